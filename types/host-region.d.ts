/** A class of views over an `ArrayBuffer`: a typed array class or `DataView`. */
export interface ViewConstructor<TView extends ArrayBufferView> {
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): TView
  readonly BYTES_PER_ELEMENT?: number
}

/** Options of {@link HostRegionConstructor.mapFile}. */
export interface MapFileOptions {
  /** Offset of the first byte in the file, of any alignment. Default 0. */
  offset?: number
  /** Bytes to map. Default: to the end of the file. */
  length?: number
  /**
   * `false` (default): copy-on-write. Only this region shows the stores of WebAssembly and
   * JavaScript; the file never changes. `true`: the file is opened for writing, and stores go into
   * it.
   */
  writable?: boolean
  /** See {@link AllocateOptions.shareable}. Keeps the file open until the memory is unmapped. */
  shareable?: boolean
  /** See {@link AllocateOptions.guarded}. */
  guarded?: boolean
}

/** A part of {@link HostRegionConstructor.compose}. */
export interface RegionPart {
  /** Whole pages of a region that was made with `{ shareable: true }`. */
  region: HostRegion
  /** Where it begins in the composed region: bytes, whole pages. */
  at: number
}

/** Options of {@link HostRegionConstructor.compose}. */
export interface ComposeOptions {
  /** Length in bytes. Default: to the end of the last part. */
  byteLength?: number
  /** See {@link AllocateOptions.guarded}. */
  guarded?: boolean
}

/** Options of {@link HostRegionConstructor.allocate}. */
export interface AllocateOptions {
  /**
   * `true`: the pages can be mapped at a second address, as the backend `'node-rewire'` needs. The
   * memory is then an anonymous file (`memfd_create`): it takes a file descriptor, and usually has
   * no huge pages. Default `false`; `true` for the `HostRegion` of `openBackend('node-rewire')`.
   */
  shareable?: boolean
  /**
   * `true`: 8 GiB of addresses that cannot be touched follow the region. Modules compiled with
   * `{ boundsChecks: 'region' }` need that. It takes addresses, but no memory. Default `false`.
   */
  guarded?: boolean
}

/**
 * A region on its way to another thread: a plain object that {@link HostRegion.share} returns,
 * `postMessage` and `workerData` carry, and {@link HostRegionConstructor.open} takes. It contains
 * no bytes and keeps none alive. Its other members may change between versions.
 */
export interface SharedRegion {
  readonly type: 'v8-rawmem.SharedRegion'
  /** Length of the region in bytes. */
  readonly byteLength: number
}

/**
 * Bytes of this process that a WebAssembly instance can be pointed at, without a copy.
 *
 * The static methods of `HostRegion` make regions; {@link subarray} makes parts. All offsets and
 * lengths are bytes, of any alignment, as `number` up to 2^53.
 *
 * `close()` unmaps the memory. Otherwise it is unmapped some time after the region, its parts, its
 * buffers and the instances that it is attached to are unreachable, on a later turn of the event
 * loop. A synchronous loop that makes many regions should close them.
 */
export interface HostRegion<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
  /** Length in bytes. 0 after the region is closed or its borrowed `ArrayBuffer` is detached. */
  readonly byteLength: number

  /** Whether `close()` was called on this region or on its whole. */
  readonly closed: boolean

  /**
   * Where pages of the memory were lost: the offset in the whole region, in bytes, of the first
   * page that could not be read or written. Undefined as long as all is well.
   *
   * Pages are lost when a mapped file is cut short, its medium fails, or its disk is full, and in
   * the holes of a composed region. WebAssembly code that touches them ends with a
   * `WebAssembly.RuntimeError` that names the file and the byte, and changes nothing. For what else
   * touches them, such as a view in JavaScript, a page of zeros takes their place. If that happens
   * during a call of WebAssembly, the call ends with a `RuntimeError` too.
   */
  readonly damaged: { readonly byteOffset: number } | undefined

  /**
   * The same `ArrayBuffer` over exactly these bytes, every time. A region that borrows a whole
   * `ArrayBuffer` or `SharedArrayBuffer` returns that buffer.
   *
   * It keeps the memory mapped while it is reachable; `close()` detaches it.
   *
   * @throws {RangeError} if the region has more bytes than an `ArrayBuffer` can hold
   *   (`buffer.constants.MAX_LENGTH`: 4 GiB on Node 20). Use the buffer of a `subarray`. On arm64
   *   also if the region does not begin at a multiple of 8 bytes, where `Atomics` on the buffer
   *   would end the process. Use {@link view} of the whole region.
   * @throws {TypeError} if the region is closed, if its borrowed buffer is detached, or if it
   *   borrows only a part of a buffer: a second `ArrayBuffer` would not notice that JavaScript
   *   detached the first. Use {@link view}.
   */
  readonly buffer: TArrayBuffer

  /**
   * A part of this region as a separate region over the same memory. `begin` and `end` work as for
   * typed arrays: negative values count from the end, both are clamped to the region, fractions are
   * cut off.
   *
   * Closing the part does not unmap the memory. Closing the whole closes all parts.
   *
   * @throws {TypeError} if an argument is no number, or the region is closed.
   */
  subarray(begin?: number, end?: number): HostRegion<TArrayBuffer>

  /**
   * A typed array or `DataView` over a part of the region.
   *
   * Unlike {@link buffer}, this works for regions larger than an `ArrayBuffer` (if the view itself
   * fits), and for a part of a borrowed buffer.
   *
   * @param type Class of the view, such as `Float64Array`.
   * @param byteOffset First byte, from 0 to `byteLength`, of any alignment. Default 0. In a
   *   borrowed buffer and on arm64, a typed array must begin at a multiple of its element size.
   * @param length Elements (bytes for `DataView`). Default: all complete elements to the end.
   * @throws {RangeError} if the view is not inside the region, or is larger than an `ArrayBuffer`
   *   can be. On arm64 also if the region does not begin at a multiple of 8 bytes.
   * @throws {TypeError} if an argument has the wrong type, the region is closed, or its borrowed
   *   buffer is detached.
   */
  view<TView extends ArrayBufferView>(
    type: ViewConstructor<TView>,
    byteOffset?: number,
    length?: number,
  ): TView

  /**
   * Returns an object with which other threads of this process can open the same bytes:
   *
   * ```ts
   * worker.postMessage(region.subarray(0, 1024).share())
   * // in the worker
   * parentPort.once('message', (shared) => { const region = HostRegion.open(shared) })
   * ```
   *
   * A part shares only its own bytes. Each thread opens, attaches and closes for itself; the memory
   * stays mapped until the last thread has closed it or ended. The object keeps nothing alive, so
   * keep this region open until the other thread has opened it. It can be opened any number of
   * times.
   *
   * A region over a `SharedArrayBuffer` sends that buffer, which keeps itself alive.
   *
   * Threads see each other's stores. Only messages, or `Atomics` on a `SharedArrayBuffer`, order
   * them.
   *
   * @throws {TypeError} if the region borrows an `ArrayBuffer`, which belongs to one thread, or is
   *   closed.
   */
  share(): SharedRegion

  /**
   * Ends the region: unmaps its memory, or stops borrowing it, and detaches every `ArrayBuffer` of
   * the region and its parts. A second call does nothing. A buffer that was moved with `transfer()`
   * stays and shows zeros.
   *
   * On a part made by `subarray`, only the part ends, with its own buffer. Instances and feeders on
   * the part continue, and the whole cannot be closed meanwhile.
   *
   * If other threads have the bytes open (see {@link share}), only this thread's region ends. The
   * last thread to close unmaps the memory.
   *
   * Do not close a region while Node works asynchronously on one of its buffers (`fs`, `zlib`,
   * `crypto`).
   *
   * @throws {Error} if this is a whole, and it or a part is attached to an instance or memory of
   *   this thread. Detach first: `feeder.close()`, `setWasmInstanceRawMemory(instance, null)` or
   *   `memory.attach(null)`.
   */
  close(): void

  /** `close()`, for `using region = HostRegion.allocate(…)`. */
  [Symbol.dispose](): void
}

/** The static methods that make regions. `HostRegion` cannot be called with `new`. */
export interface HostRegionConstructor {
  readonly prototype: HostRegion

  /**
   * Allocates zeroed memory. Pages are committed when they are first touched, so a sparse region
   * can be far larger than RAM. Large regions ask for huge pages.
   *
   * @param byteLength Bytes, an integer from 0 to 2^47.
   * @throws {RangeError} or {@link TypeError} for any other `byteLength`.
   * @throws {Error} with `code` `'ENOMEM'` and `syscall` `'mmap'` if the system has not enough
   *   addresses or memory.
   */
  allocate(byteLength: number, options?: AllocateOptions): HostRegion<ArrayBuffer>

  /**
   * Maps the bytes of a file. The system reads a page when it is touched.
   *
   * The default is copy-on-write, see {@link MapFileOptions.writable}. Do not truncate the file
   * while it is mapped: pages beyond its end are lost, see {@link HostRegion.damaged}.
   *
   * @throws {RangeError} if `offset` and `length` are not inside the file.
   * @throws {Error} with `code`, `errno`, `syscall` and `path`, as from `node:fs`, if the file
   *   cannot be opened or mapped, or is not a regular file.
   */
  mapFile(path: string | Buffer | URL, options?: MapFileOptions): HostRegion<ArrayBuffer>

  /**
   * Makes one region out of parts of others, without a copy. It shows the same pages: what is
   * stored here appears there. Between the parts are holes: WebAssembly code that touches one ends
   * with a `WebAssembly.RuntimeError`.
   *
   * The parts can be closed afterwards. A part of a file that is not `writable` must not have been
   * attached before, and shows the file.
   *
   * @throws {RangeError} if a part does not consist of whole pages, or parts overlap.
   * @throws {TypeError} if a part was not made with `{ shareable: true }`, or may differ from its
   *   file.
   */
  compose(parts: Iterable<RegionPart>, options?: ComposeOptions): HostRegion<ArrayBuffer>

  /**
   * Borrows the bytes of an `ArrayBuffer` or `SharedArrayBuffer`, or of the part that a typed
   * array, `Buffer` or `DataView` shows. The region keeps the buffer alive, and marks an
   * `ArrayBuffer` as untransferable for good (`worker_threads.markAsUntransferable`). A growable
   * `SharedArrayBuffer` is borrowed at its current length. From a buffer or view of another region
   * it is a part of that region, as `subarray()` gives.
   *
   * @throws {TypeError} for anything else, for a resizable `ArrayBuffer`, and for a detached one.
   */
  from<TArrayBuffer extends ArrayBufferLike>(
    source: TArrayBuffer | ArrayBufferView<TArrayBuffer>,
  ): HostRegion<TArrayBuffer>

  /**
   * Bytes at an address that the process got elsewhere, for example from an FFI call or another
   * addon.
   *
   * **Unsafe**, as the only member of this package: nothing checks that the memory exists, is
   * writable, or stays. A wrong address or length, or memory freed while in use, crashes or
   * corrupts the process.
   *
   * @param address First byte, from 1 to 2^64 - 1.
   * @param byteLength Bytes, an integer from 0 to 2^47; the end must lie below 2^64.
   */
  at(address: bigint | number, byteLength: number): HostRegion<ArrayBuffer>

  /**
   * Opens the bytes of a region that a thread of this process shares, see {@link HostRegion.share}.
   * The result is a separate region: you attach and close it independently. A region from {@link
   * at} stays unsafe.
   *
   * @param shared The result of `region.share()`, as it came in the message.
   * @throws {TypeError} for anything else, for a region of another process, and if every thread
   *   that had the bytes open has closed them or ended.
   */
  open(shared: SharedRegion): HostRegion
}

export declare const HostRegion: HostRegionConstructor
