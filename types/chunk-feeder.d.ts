import type { HostRegion } from './host-region.d.ts'
import type { Instance } from './web-assembly.d.ts'

/** How far a {@link ChunkFeeder} is. */
export interface FeederProgress {
  /** Bytes of the region that are used up. */
  readonly position: number
  /** Bytes of the region. */
  readonly byteLength: number
  /** Windows mapped so far. */
  readonly windows: number
}

/** How a {@link ChunkFeeder} goes about it. */
export interface ChunkFeederOptions {
  /**
   * Bytes of a window, of any alignment: an integer from 1 to 2^32 - 1, with `address: 'i64'` to 2^47. The last window has
   * what is left.
   *
   * Default: 4 GiB - 64 KiB, as much as fits the length that `next` returns; with `address: 'i64'` the whole region, which
   * only a 64-bit memory can address beyond 4 GiB.
   */
  windowSize?: number
  /** Type of the lengths that `next` takes and returns in the module: `'i32'` (default) or `'i64'`. */
  address?: 'i32' | 'i64'
  /** The memory that shows the windows, in the order of imports, then definitions. Default 0. */
  memoryIndex?: number
  /**
   * Whether stores into the windows are results to be kept. `false` (default): the program only reads, and what is stored
   * into a copy-on-write file map is dropped with `release`, whoever stored it. Stores into other memory always last.
   */
  writable?: boolean
  /**
   * Whether the system is asked to read the next window ahead, 4 MiB at least (`madvise`, `MADV_WILLNEED`).
   * Default `true`. Has an effect on file maps only.
   */
  prefetch?: boolean
  /**
   * Whether pages that were passed are given back (`madvise`, `MADV_DONTNEED`), so that a file larger than RAM streams
   * through a bounded resident set. Default `true`. Has an effect on file maps only, and not where it would lose stores:
   * copy-on-write maps with `writable: true`. Never touches bytes outside of the region.
   */
  release?: boolean
  /**
   * Called from within `next` at most every 100 ms, before the next window is mapped, and once when `next` returns 0. What
   * it throws is thrown by `next`, into the module. It may close, rewind or bind the feeder, and call other instances. If it
   * binds the feeder to another instance, that one sees the following windows, and `next` throws, except at the end.
   */
  onProgress?: (progress: FeederProgress) => void
  /** Once aborted, `next` throws `signal.reason`. */
  signal?: AbortSignal
  /** Whether windows may hide what the program keeps in the memory itself; see `RawMemoryOptions`. Default `false`. */
  overOwnData?: boolean
}

/**
 * Slides a window over a region: each call of {@link next}, which the module imports, maps the next window at address 0 of
 * the instance's memory and returns its length in bytes, 0 at the end. Nothing is copied, and no JavaScript runs.
 *
 * ```ts
 * using table = HostRegion.mapFile('lineitem.bin')
 * using feeder = new ChunkFeeder(table)
 * const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
 * instance.exports.run()
 * ```
 *
 * ```wat
 * (import "env" "next" (func $next (result i32)))                       ;; a window at a time
 * (import "env" "next" (func $next (param $consumed i32) (result i32))) ;; or: records that straddle
 * (memory 0)
 * ```
 *
 * While a window is mapped, `region.close()` throws; close the feeder first. Stores go into the region itself.
 */
export interface ChunkFeeder {
  /**
   * To be imported by a module, or called by a function that is.
   *
   * @param consumed How many bytes of the last window are used up: the next one begins there, so that a record which ends in
   *   the next window is seen whole. Left out: all of them. With a window that reaches the region's end, 0 says that what is
   *   left is the last record: the result is 0, and the window stays. Before the first window: 0 or left out. An i32 is read
   *   as unsigned.
   * @returns the length of the window in bytes, 0 at the end: a number, with `address: 'i64'` a bigint (i64). The last window
   *   stays mapped. After the end, further calls return 0 until {@link rewind}.
   * @throws {RangeError} if `consumed` is no integer from 0 to the last window's length; if it is 0 in any other window, as a
   *   record then is longer than a window; if the window is smaller than the minimum that the module declares for the memory,
   *   which is so for a short last window, too (declare the memory with a minimum of 0 pages); if it is larger than
   *   addresses reach; or if there is no memory `memoryIndex`.
   * @throws {TypeError} if the feeder is closed, the region was closed before its first window, or the `ArrayBuffer` that it
   *   borrows was transferred.
   * @throws {TypeError} if the program keeps things of its own in the memory, unless `overOwnData` is set.
   * @throws {Error} if the feeder is not bound, as in a start function, or `onProgress` has just bound it to another instance.
   * @throws what the signal was aborted with, or `onProgress` threw.
   */
  readonly next: (consumed?: number | bigint) => number | bigint

  /** What is fed. */
  readonly region: HostRegion

  /** Bytes of the region that are used up: where the window that is mapped begins. */
  readonly position: number

  /** Windows mapped since the beginning, or {@link rewind}. */
  readonly windows: number

  /**
   * Binds the feeder to `instance`, which sees the windows from the next call of {@link next} on; the instance that it was
   * bound to is back on its own memory. `null` takes it away only.
   *
   * Happens by itself for the first instance that imports {@link next} and can be instantiated. Instances that import it
   * while it is bound to another are refused. Call this where a function of JavaScript that the instance imports calls
   * `next`. The feeder keeps the instance alive.
   *
   * @throws {TypeError} if `instance` is neither an instance of this package nor `null`, or the feeder is closed.
   */
  bind(instance: Instance | null): void

  /**
   * Back to the beginning of the region, for the next run. What is mapped stays until the next call of {@link next}.
   *
   * @throws {TypeError} if the feeder is closed.
   */
  rewind(): void

  /** Ends the feeder. The instance is back on its own memory, and the region may be closed. A second call does nothing. */
  close(): void

  /** `close()`, for `using feeder = new ChunkFeeder(…)`. */
  [Symbol.dispose](): void
}

/** The `ChunkFeeder` class. */
export interface ChunkFeederConstructor {
  readonly prototype: ChunkFeeder

  /**
   * A feeder at the beginning of `region`.
   *
   * @throws {TypeError} if `region` is no open `HostRegion`, or an option has the wrong type.
   * @throws {RangeError} if `windowSize` or `memoryIndex` is out of range.
   */
  new (region: HostRegion, options?: ChunkFeederOptions): ChunkFeeder
}

export declare const ChunkFeeder: ChunkFeederConstructor
