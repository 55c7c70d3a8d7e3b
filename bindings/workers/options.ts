import { availableParallelism } from 'node:os'
import { types } from 'node:util'
import type { BackendName } from '../../types/backend.d.ts'
import type { FeederProgress } from '../../types/chunk-feeder.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { BytesSource, Tiering } from '../../types/web-assembly.d.ts'
import { checkInteger, show } from '../arguments.ts'
import { openBackend } from '../backends/index.ts'
import { readFeederOptions } from '../feeder/options.ts'
import { readWaitForDebugger } from '../inspector/wait-for-debugger.ts'
import { nodeCrypto } from '../node-crypto.ts'
import { regionParts } from '../region.ts'
import { readWasiOptions } from '../wasi/options.ts'
import { type OnCpuProfile, readOnCpuProfile } from './cpu-profiles.ts'
import type { Job, ModuleBytes } from './job.ts'
import { type OnArrays, readArrays, readOnArrays } from './memory-arrays.ts'
import type { Boundary } from './parts.ts'

/** Options of `runOnWorker` that have been checked, with the defaults filled in. */
export interface RunOptions
  extends Pick<
    Job,
    | 'backend'
    | 'exportName'
    | 'args'
    | 'next'
    | 'tiering'
    | 'feeder'
    | 'wasi'
    | 'cpuProfile'
    | 'arrays'
    | 'waitForDebugger'
  > {
  readonly onProgress: ((progress: FeederProgress) => void) | undefined
  readonly onCpuProfile: OnCpuProfile | undefined
  readonly onArrays: OnArrays | undefined
  readonly signal: AbortSignal | undefined
}

/** What `parallelScan` has on top. */
export interface ScanOptions {
  readonly parts: number
  readonly boundary: Boundary
  readonly merge: ((results: never[]) => unknown) | undefined
}

/** A larger number is a typing error. */
const maxWorkers = 1024

/** Parts beyond one for each thread let threads that are done early go on with others. */
const maxPartsPerWorker = 4
const minBytesOfMoreParts = 8 * 2 ** 20
const maxParts = 2 ** 20

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

export function copyOfModule(bytes: BytesSource): ModuleBytes {
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
  return { bytes: copy, hash: nodeCrypto().createHash('sha256').update(copy).digest('hex') }
}

/** The regions that a program is to see, as an array. */
export function readRegions(given: unknown): (HostRegion | null)[] {
  const regions: unknown[] = Array.isArray(given) ? Array.from(given) : [given]
  const first = regions.find((region) => region !== null)
  if (first === undefined) {
    throw new TypeError('regions must have a HostRegion among them; got none')
  }
  for (const region of regions) if (region !== null) regionParts(region as HostRegion)
  return regions as (HostRegion | null)[]
}

/** Bytes of all of them together. */
export function totalLength(regions: readonly (HostRegion | null)[]): number {
  return regions.reduce((sum, region) => sum + (region?.byteLength ?? 0), 0)
}

function readWasi(given: unknown): Job['wasi'] {
  const { stdout, stderr, ...options } = readWasiOptions(given)
  if (typeof stdout === 'function' || typeof stderr === 'function') {
    throw new TypeError(
      'wasi: stdout and stderr must be file descriptors, since no function travels to another thread',
    )
  }
  return { ...options, stdout, stderr }
}

export function readRunOptions(byteLength: number, given: unknown = {}): RunOptions {
  const options = checkObject(given) as Record<string, unknown>
  const { export: exportName, args = [], next = 'env.next', tiering, backend, wasi } = options
  const feeder = readFeederOptions(byteLength, options)
  const { address, memoryIndex, writable, prefetch, release, onProgress, signal } = feeder
  const windowSize = feeder.anyWindowSize ? undefined : feeder.windowSize
  const backendName = openBackend(backend as BackendName | undefined).name
  const onCpuProfile = readOnCpuProfile(options.onCpuProfile, backendName)
  const arrays = readArrays(options.arrays ?? [])
  return {
    backend: backendName,
    exportName:
      exportName === undefined
        ? undefined
        : checkString('export', exportName, 'the name of an exported function'),
    args: checkArgs(args),
    next: checkString('next', next, "the function to feed, as 'module.name'"),
    tiering: checkTiering(tiering),
    feeder: { windowSize, address, memoryIndex, writable, prefetch, release },
    wasi: readWasi(wasi),
    cpuProfile: onCpuProfile !== undefined,
    arrays,
    waitForDebugger: readWaitForDebugger(options.waitForDebugger, backendName),
    onProgress,
    onCpuProfile,
    onArrays: readOnArrays(options.onArrays, arrays),
    signal,
  }
}

function checkRecordBytes(name: string, value: unknown): number {
  return checkInteger(name, value, 1, Number.MAX_SAFE_INTEGER)
}

/** For each of so many regions. */
function readRecordBytes(value: unknown, regions: number): (number | null)[] {
  if (!Array.isArray(value)) {
    const recordBytes = checkRecordBytes('recordBytes', value ?? defaultRecordBytes)
    return new Array(regions).fill(recordBytes)
  }
  if (value.length !== regions) {
    throw new TypeError(
      `recordBytes must have an element for each of the ${regions} regions; got ${value.length}`,
    )
  }
  return value.map((each: unknown, i) =>
    each === null ? null : checkRecordBytes(`recordBytes[${i}]`, each),
  )
}

export function readWorkers(given: unknown = {}): number {
  const { workers = availableParallelism() } = checkObject(given) as Record<string, unknown>
  return checkInteger('workers', workers, 1, maxWorkers)
}

/** @param regions How many there are. */
export function readScanOptions(
  regions: number,
  byteLength: number,
  workers: number,
  given: unknown = {},
): ScanOptions {
  const options = checkObject(given) as Record<string, unknown>
  const large = Math.floor(byteLength / minBytesOfMoreParts)
  const usual = workers === 1 ? 1 : Math.max(workers, Math.min(large, maxPartsPerWorker * workers))
  const { parts = usual, recordBytes, delimiter, merge } = options
  if (recordBytes !== undefined && delimiter !== undefined) {
    throw new TypeError('recordBytes and delimiter exclude each other: give one of them')
  }
  if (delimiter !== undefined && regions !== 1) {
    throw new TypeError(
      `delimiter divides one region, and there are ${regions}; give recordBytes for those of columns`,
    )
  }
  if (merge !== undefined && typeof merge !== 'function') {
    throw new TypeError(`merge must be a function; got ${show(merge)}`)
  }
  return {
    parts: checkInteger('parts', parts, 1, maxParts),
    boundary:
      delimiter === undefined
        ? { recordBytes: readRecordBytes(recordBytes, regions) }
        : { delimiter: checkDelimiter(delimiter) },
    merge: merge as ScanOptions['merge'],
  }
}
