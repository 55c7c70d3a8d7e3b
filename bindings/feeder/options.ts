import { types } from 'node:util'
import type * as api from '../../types/chunk-feeder.d.ts'
import { ControlBlock } from '../addon/numbers.ts'
import { checkBoolean, checkInteger, maxMemories, show } from '../arguments.ts'

/**
 * Not a public option: 32 bytes, shared with other threads, to watch and stop a feeder. A
 * `SharedArrayBuffer`, or a `Uint8Array` over a part of one that begins at a multiple of 8. In the
 * machine's byte order:
 *
 * | byte | type | |
 * |---|---|---|
 * | 0 | Int32 | written by others: unless 0, the next call of `next` throws an `AbortError` |
 * | 4 | Int32 | 0: not begun, 1: a window is mapped, 2: at the end |
 * | 8 | BigUint64 | bytes of the region that are used |
 * | 16 | BigUint64 | windows mapped so far |
 */
export const controlBlock: unique symbol = Symbol('controlBlock')

/** Not a public option: the host window of memory 0 that shows the region. */
export const windowOption: unique symbol = Symbol('window')

export interface InternalOptions extends api.ChunkFeederOptions {
  [controlBlock]?: SharedArrayBuffer | Uint8Array
  [windowOption]?: number
}

/** Options of everything that shows a region piece by piece. */
export interface CommonOptions<TProgress> {
  readonly writable: boolean
  readonly prefetch: boolean
  readonly release: boolean
  readonly onProgress: ((progress: TProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** Options that have been checked, with the defaults filled in. */
export interface FeederOptions extends CommonOptions<api.FeederProgress> {
  /** Bytes, at least 1. */
  readonly windowSize: number
  /** Whether the program gave no size. */
  readonly anyWindowSize: boolean
  readonly address: 'i32' | 'i64'
  readonly memoryIndex: number
  readonly control: Uint8Array | undefined
  readonly window: number | undefined
  readonly overOwnData: boolean
}

/** @param className What the options are for; messages begin with it. */
export function readCommonOptions<TProgress>(
  className: string,
  options: unknown,
): CommonOptions<TProgress> {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${className}: options must be an object; got ${show(options)}`)
  }
  const {
    writable = false,
    prefetch = true,
    release = true,
    onProgress,
    signal,
  } = options as Partial<CommonOptions<TProgress>>
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`${className}: onProgress must be a function; got ${show(onProgress)}`)
  }
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal)) {
    throw new TypeError(`${className}: signal must be an AbortSignal; got ${show(signal)}`)
  }
  return {
    writable: checkBoolean(`${className}: writable`, writable),
    prefetch: checkBoolean(`${className}: prefetch`, prefetch),
    release: checkBoolean(`${className}: release`, release),
    onProgress,
    signal,
  }
}

/** The largest i32, read as unsigned. */
const maxLength32 = 2 ** 32 - 1

/** User space of x86-64 with four-level page tables. */
const maxLength64 = 2 ** 47

/** The most whole pages of WebAssembly whose length fits an i32. */
const defaultLength32 = 2 ** 32 - 65_536

function readControl(value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined
  const bytes = types.isSharedArrayBuffer(value) ? new Uint8Array(value) : value
  if (
    !types.isUint8Array(bytes) ||
    !types.isSharedArrayBuffer(bytes.buffer) ||
    bytes.length < ControlBlock.Length ||
    bytes.byteOffset % 8 !== 0
  ) {
    throw new TypeError('ChunkFeeder: the control block must be 32 aligned bytes of shared memory')
  }
  return bytes
}

/** The defaults, written down for tests and documentation. */
export function defaultWindowSize(address: 'i32' | 'i64', byteLength: number): number {
  return address === 'i32' ? defaultLength32 : Math.max(byteLength, 1)
}

/**
 * Reads each option once, checks it, and fills in defaults.
 *
 * @param byteLength Bytes of the region to feed.
 * @throws {TypeError} for an option of the wrong type, {RangeError} for a number out of range; the
 *   message names the option and what is allowed.
 */
export function readFeederOptions(byteLength: number, options: unknown = {}): FeederOptions {
  const common = readCommonOptions<api.FeederProgress>('ChunkFeeder', options)
  const {
    windowSize,
    address = 'i32',
    memoryIndex = 0,
    [controlBlock]: control,
    [windowOption]: window,
    overOwnData = false,
  } = options as InternalOptions
  if (address !== 'i32' && address !== 'i64') {
    throw new TypeError(`ChunkFeeder: address must be 'i32' or 'i64'; got ${show(address)}`)
  }
  return {
    ...common,
    anyWindowSize: windowSize === undefined,
    windowSize:
      windowSize === undefined
        ? defaultWindowSize(address, byteLength)
        : address === 'i32'
          ? checkInteger(
              'ChunkFeeder: windowSize',
              windowSize,
              1,
              maxLength32,
              ", what an i32 can say; for larger windows give address: 'i64'",
            )
          : checkInteger('ChunkFeeder: windowSize', windowSize, 1, maxLength64),
    address,
    memoryIndex: checkInteger('ChunkFeeder: memoryIndex', memoryIndex, 0, maxMemories - 1),
    control: readControl(control),
    window,
    overOwnData: checkBoolean('ChunkFeeder: overOwnData', overOwnData),
  }
}
