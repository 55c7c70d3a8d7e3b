/** Something that can be constructed over a part of an `ArrayBuffer`: a typed array class or `DataView`. */
export interface ViewConstructor<TView extends ArrayBufferView> {
  new (buffer: ArrayBuffer, byteOffset?: number, length?: number): TView
  readonly BYTES_PER_ELEMENT?: number
}

/** What {@link HostRegionConstructor.mapFile} maps, and how. */
export interface MapFileOptions {
  /** First byte of the file to map; any alignment. Default 0. */
  offset?: number
  /** Bytes to map. Default: up to the end of the file. */
  length?: number
  /**
   * `false` (default): copy-on-write. Stores by WebAssembly or JavaScript are seen through this region only, and the
   * file is never changed. `true`: the file is opened for writing, and stores go into it.
   */
  writable?: boolean
  /** As in {@link AllocateOptions.shareable}. Keeps the file open until the region's memory goes. */
  shareable?: boolean
}

/** How memory is allocated. */
export interface AllocateOptions {
  /**
   * `true`: the same pages can be mapped at a second address, which the backend `'node-rewire'` needs. The memory then is
   * one of the system's anonymous files (`memfd_create`): it takes a file descriptor, and most systems give it no huge
   * pages. Default `false`; `true` for the `HostRegion` of `openBackend('node-rewire')`.
   */
  shareable?: boolean
}

/**
 * A region on its way to another thread: a plain object that {@link HostRegion.share} gives, `postMessage` and `workerData`
 * carry, and {@link HostRegionConstructor.open} takes. It holds no bytes and keeps none. What else is in it may change from
 * version to version.
 */
export interface SharedRegion {
  readonly type: 'v8-rawmem.SharedRegion'
  /** Length of the region in bytes. */
  readonly byteLength: number
}

/**
 * Bytes of this process that a WebAssembly instance can be pointed at, without a copy.
 *
 * A region comes from one of the static methods of `HostRegion`, or is a part of another, by {@link subarray}. All
 * offsets and lengths are bytes, of any alignment, as `number` up to 2^53.
 *
 * A region's memory goes when `close()` is called, or some time after the region, its parts, its buffers and the
 * instances it is attached to have become unreachable. Collected regions are unmapped on a later turn of the event loop, so a
 * synchronous loop that makes many regions should close them.
 */
export interface HostRegion<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> {
  /** Length in bytes. 0 once the region is closed or the `ArrayBuffer` it borrows is detached. */
  readonly byteLength: number

  /** Whether `close()` was called, on this region or on the one that it is a part of. */
  readonly closed: boolean

  /**
   * An `ArrayBuffer` over exactly these bytes; the same one every time. For a region that borrows the whole of an
   * `ArrayBuffer` or `SharedArrayBuffer`, that one itself.
   *
   * It keeps the memory mapped for as long as it is reachable; `close()` detaches it.
   *
   * @throws {RangeError} if these are more bytes than an `ArrayBuffer` may hold (`buffer.constants.MAX_LENGTH`: 4 GiB on
   *   Node 20); take the buffer of a `subarray` then.
   * @throws {TypeError} if the region is closed, if what it borrows is detached, or if it borrows only a part of a buffer:
   *   JavaScript may detach that buffer at any time, and a second `ArrayBuffer` would not notice. Use {@link view}.
   */
  readonly buffer: TArrayBuffer

  /**
   * A part of this region as a region of its own, over the same memory. `begin` and `end` are what they are for typed
   * arrays: negative ones count from the end, both are clamped to the region, fractions are cut off.
   *
   * The memory still belongs to the whole: closing the part leaves it alone, closing the whole closes all parts.
   *
   * @throws {TypeError} if an argument is no number, or the region is closed.
   */
  subarray(begin?: number, end?: number): HostRegion<TArrayBuffer>

  /**
   * A typed array or `DataView` over a part of the region.
   *
   * Unlike {@link buffer} this works for every region: beyond the largest `ArrayBuffer` (only the view itself must fit
   * into one), and for a part of a borrowed buffer.
   *
   * @param type Class of the view, such as `Float64Array`.
   * @param byteOffset First byte, from 0 to `byteLength`, of any alignment. Default 0. (In a borrowed buffer typed arrays
   *   begin at a multiple of their element size, as the language has it.)
   * @param length Elements (bytes for `DataView`). Default: as many whole ones as there are up to the end.
   * @throws {RangeError} if the view does not lie inside the region, or is larger than an `ArrayBuffer` may be.
   * @throws {TypeError} if an argument has the wrong type, the region is closed, or what it borrows is detached.
   */
  view<TView extends ArrayBufferView>(
    type: ViewConstructor<TView>,
    byteOffset?: number,
    length?: number,
  ): TView

  /**
   * Says to other threads of this process where these bytes are, without a copy:
   *
   * ```ts
   * worker.postMessage(region.subarray(0, 1024).share())
   * // in the worker
   * parentPort.once('message', (shared) => { using region = HostRegion.open(shared) })
   * ```
   *
   * A part shares its bytes only. Each thread opens, attaches and closes for itself; the memory stays mapped until the last of
   * them has closed it, or ended. Keep this region open until the other thread has opened it: the object keeps
   * nothing alive. It can be opened any number of times.
   *
   * For a region over a `SharedArrayBuffer`, that is what travels, and it keeps itself alive.
   *
   * Threads see each other's stores; nothing orders them but what JavaScript offers: messages, or `Atomics` on a
   * `SharedArrayBuffer`.
   *
   * @throws {TypeError} if the region borrows an `ArrayBuffer`, which belongs to one thread, or is closed.
   */
  share(): SharedRegion

  /**
   * Ends the region: its memory is unmapped, or is no longer borrowed, and every `ArrayBuffer` that came from it or from
   * its parts is detached. A second call does nothing. (Where such an `ArrayBuffer` was moved on with `transfer()`, the new
   * one is not known here: it stays, and shows zeros.)
   *
   * On a part made by `subarray` only the part ends, and its own buffer is detached. What it is attached to, and a feeder
   * over it, go on with its bytes, which are the whole's; the whole cannot be closed meanwhile.
   *
   * Where other threads have the bytes open (see {@link share}), only this thread's region ends: what they attached goes on
   * running, and the last of them to close unmaps the memory.
   *
   * Do not close a region while Node works asynchronously on one of its buffers (`fs`, `zlib`, `crypto`).
   *
   * @throws {Error} if this is a whole, and it or a part of it is attached to an instance or a memory of this thread: detach it first with
   *   `feeder.close()` or `setWasmInstanceRawMemory(instance, null)`.
   */
  close(): void

  /** `close()`, for `using region = HostRegion.allocate(…)`. */
  [Symbol.dispose](): void
}

/** The `HostRegion` object itself: the ways to get a region. It cannot be called with `new`. */
export interface HostRegionConstructor {
  readonly prototype: HostRegion

  /**
   * New zeroed memory. Pages are committed when they are first touched, so a region may be far larger than RAM as long
   * as it is sparsely used. Large regions ask for huge pages.
   *
   * @param byteLength Bytes, an integer from 0 to 2^47.
   * @throws {RangeError} or {@link TypeError} for any other `byteLength`.
   * @throws {Error} with `code` `'ENOMEM'` and `syscall` `'mmap'` where the system has no such room.
   */
  allocate(byteLength: number, options?: AllocateOptions): HostRegion<ArrayBuffer>

  /**
   * A file's bytes, mapped, not read: pages come in when they are touched.
   *
   * By default copy-on-write, see {@link MapFileOptions.writable}. The file must not become shorter while it is mapped:
   * the system answers a touch of a page beyond its end with `SIGBUS`, which ends the process.
   *
   * @throws {RangeError} if `offset` and `length` do not lie inside the file.
   * @throws {Error} with `code`, `errno`, `syscall` and `path`, as from `node:fs`, if the file cannot be opened or mapped;
   *   only regular files can.
   */
  mapFile(path: string | Buffer | URL, options?: MapFileOptions): HostRegion<ArrayBuffer>

  /**
   * The bytes of an existing `ArrayBuffer` or `SharedArrayBuffer`, or of the part that a typed array, `Buffer` or
   * `DataView` shows. They are borrowed: the region keeps the buffer alive, and marks an `ArrayBuffer` as untransferable
   * (`worker_threads.markAsUntransferable`), for good. A growable `SharedArrayBuffer` is taken at its present length.
   *
   * @throws {TypeError} for anything else, for a resizable `ArrayBuffer`, and for a detached one.
   */
  from<TArrayBuffer extends ArrayBufferLike>(
    source: TArrayBuffer | ArrayBufferView<TArrayBuffer>,
  ): HostRegion<TArrayBuffer>

  /**
   * Bytes at an address that this process got elsewhere (an FFI call, another addon).
   *
   * **Unsafe**, the only unsafe member of this package: nothing checks that the memory exists, is writable, or stays. A wrong
   * address or length, or memory freed while the region or its buffers are in use, crashes or corrupts the process.
   *
   * @param address First byte, from 1 to 2^64 - 1.
   * @param byteLength Bytes, an integer from 0 to 2^47; the end must lie below 2^64.
   */
  at(address: bigint | number, byteLength: number): HostRegion<ArrayBuffer>

  /**
   * The bytes of a region that another thread of this process (or this one) shares, see {@link HostRegion.share}. The result is
   * a region of its own: it is attached and closed apart from the one that was shared.
   *
   * A region from {@link at} can be shared too; it is as unsafe as before.
   *
   * @param shared What `region.share()` gave, as it came in the message.
   * @throws {TypeError} for anything else, for what another process shared, and when every thread that had
   *   the bytes open has closed them or ended.
   */
  open(shared: SharedRegion): HostRegion
}

export declare const HostRegion: HostRegionConstructor
