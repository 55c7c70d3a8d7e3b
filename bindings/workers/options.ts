import { availableParallelism } from 'node:os'
import { types } from 'node:util'
import type { BackendName } from '../../types/backend.d.ts'
import type { FeederProgress } from '../../types/chunk-feeder.d.ts'
import type { BytesSource, Tiering } from '../../types/web-assembly.d.ts'
import { checkInteger, show } from '../arguments.ts'
import { openBackend } from '../backends/index.ts'
import { readFeederOptions } from '../feeder/options.ts'
import type { Job } from './job.ts'

/** Options of `runOnWorker` that have been checked, with the defaults filled in. */
export interface RunOptions
  extends Pick<Job, 'backend' | 'exportName' | 'args' | 'next' | 'tiering' | 'feeder'> {
  readonly onProgress: ((progress: FeederProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** The rule for where parts of a region begin. */
export type Boundary = { readonly recordBytes: number } | { readonly delimiter: number }

/** The further options of `parallelScan`. */
export interface ScanOptions {
  readonly workers: number
  readonly boundary: Boundary
  readonly merge: ((results: never[]) => unknown) | undefined
}

/** A larger number is a typing error. */
const maxWorkers = 1024

/** A page of WebAssembly. Records of any power of two up to this do not straddle two parts. */
const defaultRecordBytes = 65_536

function checkObject(options: unknown): object {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object; got ${show(options)}`)
  }
  return options
}

function checkString(name: string, value: unknown, what: string): string {
  if (typeof value !== 'string') {
    throw new TypeError(`${name} must be a string, ${what}; got ${show(value)}`)
  }
  return value
}

function checkArgs(value: unknown): (number | bigint)[] {
  if (!Array.isArray(value)) {
    throw new TypeError(`args must be an array of numbers and bigints; got ${show(value)}`)
  }
  return Array.from(value, (each: unknown, i) => {
    if (typeof each !== 'number' && typeof each !== 'bigint') {
      throw new TypeError(`args[${i}] must be a number or a bigint; got ${show(each)}`)
    }
    return each
  })
}

function checkTiering(value: unknown): Tiering | undefined {
  if (value === undefined || value === 'optimize' || value === 'dynamic' || value === 'baseline') {
    return value
  }
  throw new TypeError(`tiering must be 'optimize', 'dynamic' or 'baseline'; got ${show(value)}`)
}

function checkDelimiter(value: unknown): number {
  if (typeof value === 'string') {
    const code = value.charCodeAt(0)
    if (value.length !== 1 || code > 255) {
      throw new TypeError(
        `delimiter must be one byte: a string of one character up to U+00FF, or a number; got ${show(value)}`,
      )
    }
    return code
  }
  return checkInteger('delimiter', value, 0, 255)
}

/** A copy in memory that all threads can read. */
export function copyOfModule(bytes: BytesSource): Uint8Array {
  const isBuffer = types.isAnyArrayBuffer(bytes)
  if (!isBuffer && !ArrayBuffer.isView(bytes)) {
    throw new TypeError(
      `bytes must be the bytes of a module, as an ArrayBuffer, a typed array or a Buffer; got ${show(bytes)}`,
    )
  }
  const view = isBuffer
    ? new Uint8Array(bytes)
    : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const copy = new Uint8Array(new SharedArrayBuffer(view.length))
  copy.set(view)
  return copy
}

export function readRunOptions(byteLength: number, given: unknown = {}): RunOptions {
  const options = checkObject(given) as Record<string, unknown>
  const { export: exportName = 'run', args = [], next = 'env.next', tiering, backend } = options
  const { onProgress, signal, windowSize, address, memoryIndex, writable, prefetch, release } =
    readFeederOptions(byteLength, options)
  return {
    backend: openBackend(backend as BackendName | undefined).name,
    exportName: checkString('export', exportName, 'the name of an exported function'),
    args: checkArgs(args),
    next: checkString('next', next, "the function to feed, as 'module.name'"),
    tiering: checkTiering(tiering),
    feeder: { windowSize, address, memoryIndex, writable, prefetch, release },
    onProgress,
    signal,
  }
}

export function readScanOptions(given: unknown = {}): ScanOptions {
  const options = checkObject(given) as Record<string, unknown>
  const { workers = availableParallelism(), recordBytes, delimiter, merge } = options
  if (recordBytes !== undefined && delimiter !== undefined) {
    throw new TypeError('recordBytes and delimiter exclude each other: give one of them')
  }
  if (merge !== undefined && typeof merge !== 'function') {
    throw new TypeError(`merge must be a function; got ${show(merge)}`)
  }
  return {
    workers: checkInteger('workers', workers, 1, maxWorkers),
    boundary:
      delimiter === undefined
        ? {
            recordBytes: checkInteger(
              'recordBytes',
              recordBytes ?? defaultRecordBytes,
              1,
              Number.MAX_SAFE_INTEGER,
            ),
          }
        : { delimiter: checkDelimiter(delimiter) },
    merge: merge as ScanOptions['merge'],
  }
}
