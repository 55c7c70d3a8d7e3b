import { statSync } from 'node:fs'
import { AdvisedError } from '../terminal/advised-error.ts'
import { formatByteSize } from '../terminal/byte-size.ts'
import { startProgress } from '../terminal/progress.ts'
import type { BackendName } from '../types/backend.d.ts'
import type { ExportResult } from '../types/workers.d.ts'
import { type Merge, mergeResults } from './merge.ts'
import { readProgram } from './program-file.ts'

export interface RunOptions {
  readonly map: string
  readonly export: string
  readonly import: string
  readonly args: (number | bigint)[]
  readonly window?: number
  readonly address: 'i32' | 'i64'
  readonly memoryIndex: number
  readonly parallel: number
  readonly recordBytes?: number
  readonly delimiter?: number
  readonly merge: Merge
  readonly writable: boolean
  readonly backend?: BackendName
  readonly json: boolean
}

/** The largest length of a window with `address: 'i32'`. */
const maxWindow32 = 2 ** 32 - 1

function checkData(path: string): void {
  const stat = statSync(path)
  if (!stat.isFile()) {
    throw new AdvisedError(`${path} is no regular file.`, 'Only files can be mapped.')
  }
  if (stat.size === 0) {
    throw new AdvisedError(`${path} is empty.`, 'There is nothing to run the program over.')
  }
}

function checkOptions({ window, address, recordBytes, delimiter }: RunOptions): void {
  if (window !== undefined && address === 'i32' && window > maxWindow32) {
    throw new AdvisedError(
      `--window ${formatByteSize(window)} is more than an i32 can say.`,
      'Give at most 4294967295 bytes, or --address i64 for a program that imports () -> i64.',
    )
  }
  if (recordBytes !== undefined && delimiter !== undefined) {
    throw new AdvisedError(
      '--record-bytes and --delimiter exclude each other.',
      'Records have one length, or end in one byte.',
    )
  }
  if (window !== undefined && recordBytes !== undefined && window % recordBytes !== 0) {
    throw new AdvisedError(
      `--window ${window} is not a multiple of --record-bytes ${recordBytes}.`,
      'Records would straddle windows.',
    )
  }
}

/** Errors of the library in terms of the command. */
function advise(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AdvisedError) return error
  const { message } = error
  const advice = message.startsWith('export: ')
    ? 'Choose one with --export.'
    : message.startsWith('next: the module')
      ? 'Name the function that brings on the next window with --import.'
      : /Cannot convert .* to a BigInt/.test(message)
        ? 'Arguments for an i64 end in n, as in --args 7n.'
        : /Cannot convert a BigInt value to a number/.test(message)
          ? 'Only arguments for an i64 end in n.'
          : error.name === 'CompileError'
            ? 'The module is damaged, or uses what this engine does not know.'
            : undefined
  return advice === undefined ? error : new AdvisedError(message, advice, { cause: error })
}

function text(result: ExportResult): string {
  return Array.isArray(result) ? result.join(' ') : `${result ?? ''}`
}

function formatSpeed(bytes: number, seconds: number): string {
  const speed = bytes / Math.max(seconds, 1e-9)
  return speed < 1e8 ? `${(speed / 1e6).toFixed(2)} MB/s` : `${(speed / 1e9).toFixed(2)} GB/s`
}

/** Bigints as strings, because many JSON readers are limited to 53 bits. */
function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}

/** Runs the program over the file. The result goes to stdout, everything else to stderr. */
export async function run(path: string, options: RunOptions, signal: AbortSignal): Promise<void> {
  checkOptions(options)
  checkData(options.map)
  const bytes = await readProgram(path)
  // The environment selects the backend, here and in the workers.
  if (options.backend !== undefined) process.env.V8_RAWMEM_BACKEND = options.backend
  const { HostRegion, parallelScan } = await import('../bindings/index.ts')
  const { writable } = options
  const region = HostRegion.mapFile(options.map, { writable })
  const { byteLength } = region
  let windows = 0
  let parts = 0
  const started = performance.now()
  const secondsSoFar = () => (performance.now() - started) / 1000
  const bar = startProgress('', byteLength, formatByteSize, {
    more: (position) => `  ${formatSpeed(position, secondsSoFar())}`,
    // Where there is no terminal, stderr is for the throughput alone.
    print() {},
  })
  try {
    const result = await parallelScan(bytes, region, {
      export: options.export,
      next: options.import,
      args: options.args,
      address: options.address,
      memoryIndex: options.memoryIndex,
      writable,
      workers: options.parallel,
      signal,
      ...(options.window !== undefined && { windowSize: options.window }),
      ...(options.recordBytes !== undefined && { recordBytes: options.recordBytes }),
      ...(options.delimiter !== undefined && { delimiter: options.delimiter }),
      onProgress(progress) {
        windows = progress.windows
        bar.update(progress.position)
      },
      merge(results) {
        parts = results.length
        return options.merge === 'list' ? results : mergeResults(options.merge, results)
      },
    })
    const seconds = secondsSoFar()
    bar.stop()
    if (options.json) {
      const about = { result, bytes: byteLength, windows, workers: parts, seconds }
      console.log(JSON.stringify(about, plain, 2))
      return
    }
    const lines = options.merge === 'list' ? (result as ExportResult[]) : [result as ExportResult]
    for (const line of lines) if (line !== undefined) console.log(text(line))
    console.error(
      `${formatByteSize(byteLength)} in ${seconds.toFixed(2)} s, ${formatSpeed(byteLength, seconds)} (${windows} ${windows === 1 ? 'window' : 'windows'}, ${parts} ${parts === 1 ? 'worker' : 'workers'})`,
    )
  } catch (error) {
    bar.stop()
    throw advise(error)
  } finally {
    region.close()
  }
}
