import type { HostRegion } from './host-region.d.ts'
import type { Instance } from './web-assembly.d.ts'

/** How far a program has come in the region of one window. */
export interface WindowProgress {
  /** The window, from 0 to 7. */
  readonly window: number
  /**
   * Bytes of its region that the program is done with, if it says so by `progress`; otherwise those up
   * to the chunk of `next`, or to the furthest byte that `map` showed.
   */
  readonly position: number
  /** Bytes of its region. */
  readonly byteLength: number
  /** Chunks shown so far. */
  readonly windows: number
}

/** How {@link HostWindows} show their regions. */
export interface HostWindowsOptions {
  /**
   * Length in bytes of the chunks that `rawmem.next` shows: an integer from 1 to the room of each
   * window. The last chunk can be shorter. Default: 64 MiB.
   */
  windowSize?: number
  /** Whether stores into the windows are results to keep, as for a `ChunkFeeder`. Default `false`. */
  writable?: boolean
  /** Whether to ask the system to read ahead the next chunk of a file map. Default `true`. */
  prefetch?: boolean
  /** Whether to drop pages of a file map that have passed. Default `true`. */
  release?: boolean
  /**
   * Called by `rawmem.next`, `rawmem.map` and `rawmem.progress`, at most every 100 ms for each window,
   * and once when `next` reaches the end of a region. If it throws, the program gets the same exception.
   */
  onProgress?: (progress: WindowProgress) => void
  /** When aborted, `next` and `map` throw `signal.reason` into the program. */
  signal?: AbortSignal
}

/** The module `rawmem`, as programs import it. Windows are numbered from 0 to 7. */
export interface WindowFunctions {
  /**
   * `(func (param $window i32) (param $consumed i32) (result i32))`: shows the next chunk of the
   * window's region at the beginning of the window.
   *
   * @param consumed Bytes of the last chunk that the program has used; the next chunk begins there,
   *   so that a record which straddles chunks is seen whole. -1: all of them. In the chunk that
   *   reaches the region's end, 0 means that the rest is the last record: the result is 0.
   * @returns the length of the chunk in bytes; 0 at the end, and the last chunk stays.
   * @throws {RangeError} if the window has no region, if `consumed` is larger than the last chunk,
   *   or if it is 0 in a chunk before the last one.
   */
  next(window: number, consumed: number): number
  /**
   * `(func (param $window i32) (param $offset i64) (param $length i32) (result i32))`: shows a part
   * of the window's region, for random access and for columns side by side. It does not change
   * where `next` continues.
   *
   * @param offset First byte, in bytes of the region.
   * @param length In bytes, read as unsigned. 0 empties the window.
   * @returns the bytes that are shown: fewer than `length` at the end of the region.
   * @throws {RangeError} if `offset` lies beyond the region, or the window has no room for `length`
   *   bytes.
   */
  map(window: number, offset: bigint, length: number): number
  /** `(func (param $window i32) (result i64))`: the length of the window's region in bytes. */
  size(window: number): bigint
  /**
   * `(func (param $window i32) (param $position i64))`: says how many bytes of the window's region the
   * program is done with, for {@link HostWindowsOptions.onProgress}. It changes nothing else.
   *
   * @throws {RangeError} if the window has no region, or `position` lies beyond it.
   */
  progress(window: number, position: bigint): void
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
 * A module that imports functions from `rawmem` is compiled for windows; other modules need the
 * compile option `hostWindows`. Their own memory can grow to 64 KiB less than 2 GiB. Nothing is
 * copied, and no JavaScript runs when a window moves. Bounds are checked to the byte: an access
 * that is neither in the own memory nor in a region traps.
 *
 * A window has room up to the next window in use, minus 64 KiB that stay empty: 256 MiB - 64 KiB if
 * the following window is in use, 2 GiB for window 0 alone.
 */
export interface HostWindows {
  /** Spread it into the import object: `{ rawmem: { next, map, size, progress } }`. */
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
   * Shows the regions to `instance`; `null` takes them away. The first instance that imports a
   * function of {@link imports} is bound automatically.
   *
   * @throws {TypeError} if `instance` is neither an instance of this package nor `null`, or the
   *   windows are closed.
   */
  bind(instance: Instance | null): void

  /** Returns to the beginning of each region, for the next run. */
  rewind(): void

  /** Empties all windows, so that the regions can be closed. A second call does nothing. */
  close(): void

  /** `close()`, for `using windows = new HostWindows(…)`. */
  [Symbol.dispose](): void
}

/** The `HostWindows` class. */
export interface HostWindowsConstructor {
  readonly prototype: HostWindows

  /**
   * @param regions The regions of window 0, window 1, …, at most eight. `null` leaves a window
   *   empty, so that the one before it has more room. A region may appear more than once.
   * @throws {TypeError} if one is no open `HostRegion`, or an option has the wrong type.
   * @throws {RangeError} if there are too many, or an option is out of range.
   * @throws {Error} if the backend has no host windows, like `node-raw`.
   */
  new (regions: readonly (HostRegion | null)[], options?: HostWindowsOptions): HostWindows
}

export declare const HostWindows: HostWindowsConstructor
