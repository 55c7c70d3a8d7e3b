import type { HostRegion } from './host-region.d.ts'
import type { Instance } from './web-assembly.d.ts'

/** The progress of a {@link ChunkFeeder}. */
export interface FeederProgress {
  /** Bytes of the region that the program has used. */
  readonly position: number
  /** Length of the region in bytes. */
  readonly byteLength: number
  /** Windows mapped so far. */
  readonly windows: number
}

/** Options of a {@link ChunkFeeder}. */
export interface ChunkFeederOptions {
  /**
   * Bytes of a window, of any alignment: an integer from 1 to 2^32 - 1, with `address: 'i64'` to
   * 2^47. The last window can be shorter.
   *
   * Default: 4 GiB - 64 KiB; with `address: 'i64'` the whole region. Only a 64-bit memory can
   * address more than 4 GiB.
   */
  windowSize?: number
  /**
   * Type of the lengths that `next` takes and returns in the module: `'i32'` (default) or `'i64'`.
   */
  address?: 'i32' | 'i64'
  /**
   * Index of the memory that shows the windows: imported memories first, then defined ones. Default
   * 0.
   */
  memoryIndex?: number
  /**
   * Whether stores into the windows are results to keep. With `false` (default), `release` drops
   * all stores into a copy-on-write file map. Stores into other memory always stay.
   */
  writable?: boolean
  /**
   * Whether to ask the system to read ahead the next window, at least 4 MiB (`madvise`,
   * `MADV_WILLNEED`). Default `true`. Works on file maps only.
   */
  prefetch?: boolean
  /**
   * Whether to drop pages that have passed (`madvise`, `MADV_DONTNEED`), so that a file larger than
   * RAM needs only a bounded resident set. Default `true`. Works on file maps only, except
   * copy-on-write maps with `writable: true`. Never touches bytes outside the region.
   */
  release?: boolean
  /**
   * Called by `next` at most every 100 ms, before it maps the next window, and once when it returns
   * 0. If it throws, `next` throws the same value into the module. It may close, rewind or bind the
   * feeder, and call other instances. If it binds the feeder to another instance, that instance
   * sees the following windows, and `next` throws, except at the end.
   */
  onProgress?: (progress: FeederProgress) => void
  /** When aborted, `next` throws `signal.reason`. */
  signal?: AbortSignal
  /**
   * Whether windows may hide what the program keeps in the memory itself; see `RawMemoryOptions`.
   * Default `false`.
   */
  overOwnData?: boolean
}

/**
 * Slides a window over a region. The module imports {@link next}: each call maps the next window at
 * address 0 of the instance's memory and returns its length in bytes, or 0 at the end. Nothing is
 * copied, and no JavaScript runs.
 *
 * ```ts
 * const table = HostRegion.mapFile('lineitem.bin')
 * const feeder = new ChunkFeeder(table)
 * const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
 * instance.exports.run()
 * feeder.close()
 * table.close()
 * ```
 *
 * ```wat
 * (import "env" "next" (func $next (result i32)))                       ;; whole windows
 * (import "env" "next" (func $next (param $consumed i32) (result i32))) ;; records that straddle
 * (memory 0)
 * ```
 *
 * While a window is mapped, `region.close()` throws: close the feeder first. Stores go into the
 * region.
 */
export interface ChunkFeeder {
  /**
   * Maps the next window. A module imports it, or an imported JavaScript function calls it.
   *
   * @param consumed Bytes of the last window that the program has used; the next window begins
   *   there. Default: all of them. Before the first window: 0 or nothing. In the window that
   *   reaches the region's end, 0 means that the rest is the last record: the result is 0, and the
   *   window stays. An i32 is read as unsigned.
   * @returns the length of the window in bytes, 0 at the end: a number, with `address: 'i64'` a
   *   bigint. The last window stays mapped. After the end, `next` returns 0 until {@link rewind}.
   * @throws {RangeError} if `consumed` is no integer from 0 to the last window's length; if it is 0
   *   in a window before the last one (a record is longer than a window); if the window is smaller
   *   than the declared minimum of the memory (declare 0 pages, because the last window can be
   *   short); if it is larger than addresses reach; or if there is no memory `memoryIndex`.
   * @throws {TypeError} if the feeder is closed, the region was closed before its first window, its
   *   borrowed `ArrayBuffer` was transferred, or the program keeps data of its own in the memory
   *   (see `overOwnData`).
   * @throws {Error} if the feeder is not bound, as in a start function, or if `onProgress` has
   *   bound it to another instance.
   * @throws `signal.reason`, or the error of `onProgress`.
   */
  readonly next: (consumed?: number | bigint) => number | bigint

  /** The region that the feeder reads. */
  readonly region: HostRegion

  /**
   * Offset of the mapped window in the region, in bytes: the program has used all bytes before it.
   */
  readonly position: number

  /** Windows mapped since the beginning or the last {@link rewind}. */
  readonly windows: number

  /**
   * Binds the feeder to `instance`, which sees the windows from the next call of {@link next} on.
   * The previous instance gets its own memory back. `null` only unbinds.
   *
   * The first instance that imports {@link next} is bound automatically. Another instance that
   * imports it is refused while the feeder is bound. Call `bind` yourself if the instance imports a
   * JavaScript function that calls `next`. The feeder keeps the instance alive.
   *
   * @throws {TypeError} if `instance` is neither an instance of this package nor `null`, or the
   *   feeder is closed.
   */
  bind(instance: Instance | null): void

  /**
   * Returns to the beginning of the region, for the next run. The mapped window stays until the
   * next call of {@link next}.
   *
   * @throws {TypeError} if the feeder is closed.
   */
  rewind(): void

  /**
   * Ends the feeder: the instance gets its own memory back, and the region can be closed. A second
   * call does nothing.
   */
  close(): void

  /** `close()`, for `using feeder = new ChunkFeeder(…)`. */
  [Symbol.dispose](): void
}

/** The `ChunkFeeder` class. */
export interface ChunkFeederConstructor {
  readonly prototype: ChunkFeeder

  /**
   * Makes a feeder at the beginning of `region`.
   *
   * @throws {TypeError} if `region` is no open `HostRegion`, or an option has the wrong type.
   * @throws {RangeError} if `windowSize` or `memoryIndex` is out of range.
   */
  new (region: HostRegion, options?: ChunkFeederOptions): ChunkFeeder
}

export declare const ChunkFeeder: ChunkFeederConstructor
