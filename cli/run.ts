import { statSync } from 'node:fs'
import { basename } from 'node:path'
import { AdvisedError } from '../terminal/advised-error.ts'
import { formatByteSize } from '../terminal/byte-size.ts'
import type { HostRegion } from '../types/host-region.d.ts'
import type { ExportResult, MemoryValues } from '../types/workers.d.ts'
import { checkPlot, plot } from './arrays/plot.ts'
import {
  mergeArrays,
  mergedParts,
  printedArrays,
  unmerged,
  type Values,
  valuesOf,
} from './arrays/printed-array.ts'
import { cpuProfileWriter } from './cpu-profile-files.ts'
import { openInspector } from './inspect.ts'
import { mergedResults } from './merge.ts'
import type { ChosenPart } from './parts/part.ts'
import { exportsName, importsFunction, readProgram } from './program-file.ts'
import type { RunOptions } from './run-options.ts'
import { checkTableOptions } from './table/check-options.ts'
import { scanTable } from './table/scan-table.ts'
import type { Table } from './table/table.ts'
import { tellEnd, tellResult, throughput } from './tell.ts'
import { type Watch, watchRun } from './watch-run.ts'

/** The largest length of a window with `address: 'i32'`. */
const maxWindow32 = 2 ** 32 - 1

function checkData(path: string, recordBytes: number | null | undefined): void {
  const stat = statSync(path)
  if (!stat.isFile()) {
    throw new AdvisedError(`${path} is no regular file.`, 'Only files can be mapped.')
  }
  if (stat.size === 0) {
    throw new AdvisedError(`${path} is empty.`, 'There is nothing to run the program over.')
  }
  if (typeof recordBytes === 'number' && stat.size % recordBytes !== 0) {
    throw new AdvisedError(
      `${path} has ${stat.size} bytes, no multiple of --record-bytes ${recordBytes}.`,
      'The last record would be cut.',
    )
  }
}

/** Those that were given, of each file. */
function recordBytesOf({ map, recordBytes }: RunOptions): (number | null | undefined)[] {
  return map.map((_, i) => (Array.isArray(recordBytes) ? recordBytes[i] : recordBytes))
}

function checkOptions(options: RunOptions): void {
  const { map, window, address, recordBytes, delimiter } = options
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
  if (Array.isArray(recordBytes) && recordBytes.length !== map.length) {
    throw new AdvisedError(
      `--record-bytes has ${recordBytes.length} sizes, and there are ${map.length} files to --map.`,
      'Give one for each, in their order.',
    )
  }
  if (options.plot !== undefined && options.print.length === 0) {
    throw new AdvisedError('--plot has nothing to draw.', 'Name an array with --print.')
  }
  if (options.part !== undefined && options.plot !== undefined) {
    throw new AdvisedError(
      'A part has no whole arrays that --plot could draw.',
      'Give --plot to v8-rawmem merge.',
    )
  }
  const isWhole = options.part === undefined
  if (isWhole && options.print.length > 0 && options.parallel > 1 && options.merge === 'list') {
    throw unmerged(`${options.parallel} threads`)
  }
  for (const bytes of recordBytesOf(options)) {
    if (window !== undefined && typeof bytes === 'number' && window % bytes !== 0) {
      throw new AdvisedError(
        `--window ${window} is not a multiple of --record-bytes ${bytes}.`,
        'Records would straddle windows.',
      )
    }
  }
}

/** There are rows, and one way to make arrays of all batches one. */
function checkTable({ map, print, merge }: RunOptions, { batchCount, batchNames }: Table): void {
  if (batchCount === 0) {
    throw new AdvisedError(`${map[0]} has no rows.`, 'There is nothing to run the program over.')
  }
  if (print.length > 0 && batchCount > 1 && merge === 'list') {
    throw unmerged(`${batchCount} ${batchNames[1]}`)
  }
}

/** What to do about what the library refuses, by the beginning of its message or what is in it. */
const advices: [RegExp, string][] = [
  [
    /^export: .* takes \d+ argument/,
    'Give as many by --args; those of a command line, for a program with a main function, by --arg.',
  ],
  [/^export: /, 'Choose one with --export.'],
  [/^next: .* give address: 'i64'/, 'Give --address i64.'],
  [/^next: .* give address: 'i32'/, 'Leave out --address.'],
  [/^next: the module/, 'Name the function that brings on the next window with --import.'],
  [/^regions: the module/, 'Give --map once, or compile the program for host windows.'],
  [/^rawmem: window .* shows no region/, 'Give --map once for each window of the program.'],
  [/^onCpuProfile is for the backend/, 'Leave out --cpu-profile or --backend.'],
  [/^recordBytes: /, 'Give a size for each file, as in --record-bytes 8,4,all.'],
  [
    /^arrays: the module exports no global/,
    'Name one of them, or an address. Compilers export static variables by -Wl,--export=<name>.',
  ],
  [/^arrays: the global /, 'Name a global that holds the address of the array.'],
  [/^arrays: .* is outside the memory/, 'Ask for fewer elements, or name another place.'],
  [
    /^arrays: the module exports no memory/,
    "Export the memory of --print under the name 'memory'.",
  ],
  [/Cannot convert .* to a BigInt/, 'Arguments for an i64 end in n, as in --args 7n.'],
  [/Cannot convert a BigInt value to a number/, 'Only arguments for an i64 end in n.'],
]

/** What the library refuses, in terms of the command. */
function advise(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof AdvisedError) return error
  const { message } = error
  const advice =
    advices.find(([pattern]) => pattern.test(message))?.[1] ??
    (error.name === 'CompileError'
      ? 'The module is damaged, or uses what this engine does not know.'
      : undefined)
  return advice === undefined ? error : new AdvisedError(message, advice, { cause: error })
}

/** Runs the program over the files, a host window each, or over the only one. */
export async function run(path: string, options: RunOptions, signal: AbortSignal): Promise<void> {
  checkOptions(options)
  checkTableOptions(options)
  const recordBytes = recordBytesOf(options)
  for (const [i, file] of options.map.entries()) checkData(file, recordBytes[i])
  const bytes = await readProgram(path)
  const isProgram =
    options.export === '_start' || (options.export === undefined && exportsName(bytes, '_start'))
  if (options.plot !== undefined) await checkPlot(options.plot)
  const prints = options.print.map(({ text }) => text)
  if (isProgram && options.merge !== 'list' && prints.length === 0) {
    throw new AdvisedError(
      `${path} is a program with an exit code, which --merge ${options.merge} cannot work on.`,
      'Leave out --merge.',
    )
  }
  if (isProgram && options.part !== undefined) {
    throw new AdvisedError(
      `${path} is a program with an exit code, which is no result that parts could be merged of.`,
      'Export a function that returns the result, and name it with --export.',
    )
  }
  // The environment decides which backend the library opens, here and in its workers.
  if (options.backend !== undefined) process.env.V8_RAWMEM_BACKEND = options.backend
  const { HostRegion, parallelScan, ScanPool } = await import('../bindings/index.ts')
  const { writable } = options
  const closeInspector = await openInspector(options)
  const regions: HostRegion[] = []
  let part: ChosenPart | undefined
  let table: Table | undefined
  let watch: Watch | undefined
  try {
    if (options.column.length > 0) {
      const { openTable } = await import('./table/open-table.ts')
      const { column: columns, nulls } = options
      table = await openTable(options.map[0]!, { columns, nulls, HostRegion })
      checkTable(options, table)
    } else {
      for (const file of options.map) regions.push(HostRegion.mapFile(file, { writable }))
    }
    if (options.part !== undefined) {
      const { choosePart } = await import('./parts/part.ts')
      part = await choosePart(bytes, regions, options, signal)
      if (part.isEmpty) {
        console.log(part.describe([], []))
        return
      }
    }
    const shown = part?.regions ?? regions
    const byteLength =
      table?.byteLength ?? shown.reduce((sum, region) => sum + region.byteLength, 0)
    const partArrays: Values[][] = []
    watch = watchRun(
      byteLength,
      part?.ranges ??
        regions.map(({ byteLength }, i) => ({ path: options.map[i]!, begin: 0, end: byteLength })),
      importsFunction(bytes, 'rawmem', 'progress'),
    )
    const scan = {
      next: options.import,
      args: options.args,
      address: options.address,
      memoryIndex: options.memoryIndex,
      wasi: {
        args: [basename(path), ...options.arg],
        env: options.env,
        preopens: options.dir,
      },
      waitForDebugger: options.inspectBrk !== undefined,
      signal,
      ...(options.export !== undefined && { export: options.export }),
      ...(options.window !== undefined && { windowSize: options.window }),
      arrays: options.print,
      onArrays(arrays: MemoryValues[], index: number) {
        partArrays[index] = valuesOf(arrays)
      },
      onProgress: watch.update,
    }
    const scanned: ExportResult[] =
      table !== undefined
        ? await scanTable(new ScanPool({ workers: options.parallel }), bytes, table, scan)
        : await parallelScan(bytes, shown, {
            ...scan,
            writable,
            workers: options.parallel,
            // A result, a profile and what a program prints for each thread.
            parts: options.parallel,
            ...(options.recordBytes !== undefined && { recordBytes: options.recordBytes }),
            ...(options.delimiter !== undefined && { delimiter: options.delimiter }),
            ...(options.cpuProfile !== undefined && {
              onCpuProfile: cpuProfileWriter(options.cpuProfile, options.parallel),
            }),
          })
    const workers = Math.min(options.parallel, scanned.length)
    const results = isProgram ? scanned : mergedResults(options.merge, scanned, prints.length > 0)
    const { windows } = watch
    const seconds = watch.secondsSoFar()
    // Programs that choose for themselves what they see say nothing at the end.
    watch.end()
    const summary = { byteLength, windows, workers, seconds, table }
    if (part !== undefined) {
      console.log(part.describe(results, mergedParts(prints, options.merge, partArrays)))
      if (!options.json) console.error(throughput(summary))
      return
    }
    const arrays = printedArrays(prints, mergeArrays(prints, options.merge, partArrays))
    if (isProgram) tellEnd(results as number[], arrays, summary, options)
    else tellResult(results, arrays, summary, options)
    if (options.plot !== undefined) await plot(options.plot, arrays)
  } catch (error) {
    watch?.stop()
    if (!options.symbols) throw advise(error)
    const { locate } = await import('./trap-lines.ts')
    throw advise(await locate(error, path, bytes))
  } finally {
    part?.close()
    table?.close()
    for (const region of regions) region.close()
    closeInspector()
  }
}
