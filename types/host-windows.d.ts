import type { HostRegion } from './host-region.d.ts'
import type { Instance } from './web-assembly.d.ts'

/** How far a program has come in the region of one window. */
export interface WindowProgress {
  /** The window, from 0 to 7. */
  readonly window: number
  /** Bytes of its region up to the chunk of `next`, or to the furthest byte that `map` showed. */
  readonly position: number
  /** Bytes of its region. */
  readonly byteLength: number
  /** Chunks shown so far. */
  readonly windows: number
}

/** How {@link HostWindows} show their regions. */
export interface HostWindowsOptions {
  /**
   * Bytes of the chunks that `rawmem.next` shows: an integer from 1 to the room that each window
   * has. The last chunk has what is left. Default: 64 MiB.
   */
  windowSize?: number
  /** Whether stores into the windows are to be kept; as for a `ChunkFeeder`. Default `false`. */
  writable?: boolean
  /** Whether the system reads the next chunk of a file map ahead. Default `true`. */
  prefetch?: boolean
  /** Whether pages of a file map that were passed are given back. Default `true`. */
  release?: boolean
  /**
   * Called from within `rawmem.next` and `rawmem.map` at most every 100 ms for each window, and once
   * when `next` comes to the end of its region. What it throws is thrown into the program.
   */
  onProgress?: (progress: WindowProgress) => void
  /** Once aborted, the functions throw `signal.reason` into the program. */
  signal?: AbortSignal
}

/** The module `rawmem`, as programs import it. Windows are numbered from 0 to 7. */
export interface WindowFunctions {
  /**
   * `(func (param $window i32) (param $consumed i32) (result i32))`: shows the next chunk of the
   * window's region at the beginning of the window.
   *
   * @param consumed How many bytes of the last chunk are used up: the next one begins there, so
   *   that a record which ends in the next chunk is seen whole. -1: all of them. With a chunk that
   *   reaches the region's end, 0 says that what is left is the last record: the result is 0.
   * @returns the bytes of the chunk; 0 at the end, where the last chunk stays.
   * @throws {RangeError} if the window has no region, or `consumed` is larger than the last chunk,
   *   or 0 before the end.
   */
  next(window: number, consumed: number): number
  /**
   * `(func (param $window i32) (param $offset i64) (param $length i32) (result i32))`: shows a part
   * of the window's region, for random access and for columns side by side. `next` goes on where it
   * was.
   *
   * @param offset in bytes of the region.
   * @param length in bytes, read as unsigned. 0 empties the window.
   * @returns the bytes that there are: fewer than `length` at the end of the region.
   * @throws {RangeError} if `offset` lies beyond the region, or the window has no room for so many
   *   bytes.
   */
  map(window: number, offset: bigint, length: number): number
  /** `(func (param $window i32) (result i64))`: the bytes of the window's region. */
  size(window: number): bigint
}

/**
 * Shows regions to a program beside its own memory, so that programs of ordinary compilers run on
 * them: stack, statics and heap stay where the compiler put them, below 2 GiB, and window k begins
 * at address 0x80000000 + k * 0x10000000.
 *
 * ```ts
 * const prices = HostRegion.mapFile('prices.f64')
 * const volumes = HostRegion.mapFile('volumes.f64')
 * const windows = new HostWindows([prices, volumes])
 * const { instance } = await WebAssembly.instantiate(bytes, { ...windows.imports })
 * instance.exports.run()
 * ```
 *
 * A module that imports functions from `rawmem` is compiled for windows; others say so by the
 * compile option `hostWindows`. Their own memory can grow to 64 KiB less than 2 GiB. Nothing is
 * copied, and no JavaScript runs when a window moves. The bounds of regions are checked to the
 * byte: every access that is neither in the own memory nor in a region traps.
 *
 * A window has room up to the next one in use, less 64 KiB that stay empty: 256 MiB - 64 KiB beside
 * the next, 2 GiB for a window 0 alone.
 */
export interface HostWindows {
  /** To be spread into the import object: `{ rawmem: { next, map, size } }`. */
  readonly imports: { readonly rawmem: WindowFunctions }

  /** The regions of the eight windows; `null` where there is none. */
  readonly regions: readonly (HostRegion | null)[]

  /**
   * Replaces the region of a window. The window is empty until the program calls `next`, which
   * begins with the first chunk of the new region, or `map`.
   *
   * @param window an integer from 0 to 7.
   * @throws {TypeError} if `region` is no open region, or the windows are closed.
   * @throws {RangeError} if a window would not have room for a chunk of `windowSize`.
   */
  setRegion(window: number, region: HostRegion | null): void

  /**
   * Shows the regions to `instance`. Happens by itself for the first instance that imports a
   * function of {@link imports}. `null` takes them away.
   *
   * @throws {TypeError} if `instance` is neither an instance of this package nor `null`, or the
   *   windows are closed.
   */
  bind(instance: Instance | null): void

  /** Back to the beginning of each region, for the next run. */
  rewind(): void

  /** Empties all windows; the regions may be closed then. A second call does nothing. */
  close(): void

  /** `close()`, for `using windows = new HostWindows(…)`. */
  [Symbol.dispose](): void
}

/** The `HostWindows` class. */
export interface HostWindowsConstructor {
  readonly prototype: HostWindows

  /**
   * @param regions At most eight: that of window 0, that of window 1, and so on. `null` leaves a
   *   window empty, which gives the one before it more room. The same region may appear more than
   *   once.
   * @throws {TypeError} if one is no open `HostRegion`, or an option has the wrong type.
   * @throws {RangeError} if there are too many, or an option is out of range.
   * @throws {Error} if the backend in use has no host windows, as `node-raw`.
   */
  new (regions: readonly (HostRegion | null)[], options?: HostWindowsOptions): HostWindows
}

export declare const HostWindows: HostWindowsConstructor
