/**
 * What the addons define, each in one place: the C++ in bindings/native/ has the same names and order of arguments.
 */

import type { ChunkFeeder } from '../../types/chunk-feeder.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { WindowFunctions } from '../../types/host-windows.d.ts'
import type { InspectorRequest, Kind, Notice } from './numbers.ts'

/** Exports of both addons: the one with the patched V8, and the small one for the node backends. */
export interface Binding {
  readonly region: RegionBinding
  readonly nodeBackends: NodeBackendsBinding
}

/** The native side of a region: an opaque object, tagged by the addon. One per root region. */
export type RegionHandle = object

/** The addon's `region`, see bindings/native/common/region.cc. A `number` is a negative errno. */
export interface RegionBinding {
  allocate(byteLength: number, shareable: boolean, guarded: boolean): RegionHandle | number
  mapFile(
    fd: number,
    offset: number,
    byteLength: number,
    writable: boolean,
    shareable: boolean,
    guarded: boolean,
    path: string,
  ): RegionHandle | number
  /** `parts`: handle, byteOffset, byteLength, at, handle, … */
  compose(
    parts: readonly (RegionHandle | number)[],
    byteLength: number,
    guarded: boolean,
  ): RegionHandle | number
  borrow(bytes: Uint8Array, source: ArrayBufferLike): RegionHandle
  at(address: bigint, byteLength: number): RegionHandle
  share(handle: RegionHandle): string | number
  open(name: string): { handle: RegionHandle; byteLength: number } | undefined
  buffer(handle: RegionHandle, offset: number, byteLength: number): ArrayBuffer
  detach(buffer: ArrayBuffer): boolean
  isDetached(buffer: ArrayBufferLike): boolean
  damaged(handle: RegionHandle): number | undefined
  close(handle: RegionHandle, buffers: ArrayBuffer[]): boolean
}

/** For the addon, a feeder is its function `next`. */
export type Next = ChunkFeeder['next']

export type Notify = (
  notice: (typeof Notice)[keyof typeof Notice],
  position: number,
  windows: number,
) => void

/** The addon's `chunkFeeder`, one for each engine. */
export interface FeederBinding {
  create(
    handle: RegionHandle,
    byteOffset: number,
    byteLength: number,
    windowSize: number,
    memoryIndex: number,
    flags: number,
    control: Uint8Array | undefined,
    notify: Notify,
    /** The host window of memory 0 that shows the region, if one does. */
    window: number | undefined,
  ): Next
  unbind(next: Next): void
  close(next: Next): void
  abort(next: Next): void
  rewind(next: Next): void
  /** `rawmem.map` of the feeder's window. */
  map(next: Next, offset: bigint, length: number): number
  position(next: Next): number
  windows(next: Next): number
  /** Of the region. */
  byteLength(next: Next): number
}

/** Arguments for the engine: shape, value, shape, value, … */
export type Arguments = unknown[]

/** The functions of the addon, see web_assembly.cc, modules.cc and instances.cc in bindings/native/patched/. */
export interface EngineBinding {
  start(hooks: object[], maxBufferLength: number, heapLimit: number, threadName: string): void
  construct(kind: Kind, target: object, args: Arguments): void
  invoke(target: object, method: string, args: Arguments): unknown
  getProperty(target: object, name: string): unknown
  setProperty(target: object, name: string, value: unknown): void
  compile(target: object, bytes: Uint8Array, options: Arguments): void
  compileAsync(
    bytes: Uint8Array,
    options: Arguments,
    callback: (error: unknown, module?: object) => void,
  ): void
  validate(bytes: Uint8Array, options: Arguments): boolean
  describe(module: object, what: 'imports' | 'exports'): string
  customSections(module: object, name: string): ArrayBuffer[]
  instantiate(target: object, module: object, imports: unknown[]): unknown[]
  /** The region itself, if it borrows an ArrayBuffer. */
  memoryBuffer(memory: object): ArrayBuffer | HostRegion
  attachMemory(
    memory: object,
    region: object,
    handle: object,
    byteOffset: number,
    byteLength: number,
    name: string,
  ): void
  detachMemory(memory: object): void
  isMemoryAttached(memory: object): boolean
  /** A copy of the bytes that the module was compiled from. */
  wireBytes(module: object): ArrayBuffer
  /** Code and wire bytes. */
  serializeModule(module: object): [ArrayBuffer, ArrayBuffer]
  deserializeModule(
    target: object,
    code: Uint8Array,
    bytes: Uint8Array,
    options: Arguments,
  ): boolean
  jsTag(): object
  /**
   * Calls `callback()` under limits, see bindings/native/patched/call_limits.h.
   *
   * @param errorOf makes the error for one of `CallEnd`
   * @param id for {@link abortCall}
   * @param timeout in milliseconds
   * @param stop four aligned bytes of shared memory
   * @param stackSize in bytes
   */
  runWithLimits(
    callback: () => unknown,
    errorOf: (end: number) => unknown,
    id: number,
    timeout: number | undefined,
    stop: Uint8Array | undefined,
    stackSize: number | undefined,
  ): unknown
  /** Ends the call that runs under limits of that id, if there is one. */
  abortCall(id: number): void
  /** @param window the host window of memory 0, or undefined for the memory itself */
  attachRawMemory(
    instance: object,
    memoryIndex: number,
    window: number | undefined,
    handle: object,
    byteOffset: number,
    byteLength: number,
  ): void
  detachRawMemory(instance: object, memoryIndex: number, window: number | undefined): void
  /** A copy of what a host window shows from `address` on; undefined if it does not show it all. */
  readWindow(instance: object, address: number, length: number): ArrayBuffer | undefined
  /** Whether a host window shows all of that. Otherwise writes nothing. */
  writeWindow(instance: object, address: number, bytes: Uint8Array): boolean
  /** Collects garbage of the engine, if there can be any. Returns whether it did. */
  collectInnerGarbage(): boolean
  version(): string
  /** See bindings/native/patched/cpu_profiler.h. */
  readonly cpuProfiler: {
    /**
     * @param interval between two samples, in microseconds
     * @returns the id of the profile
     */
    start(interval: number): number
    /** The profile as JSON. */
    stop(id: number): string
  }
  /** Of this thread, see bindings/native/patched/inspector.h. */
  readonly inspector: {
    /** The id of its target. */
    target(): string
    /** @param breakOnStart whether to pause where the first function begins */
    waitForDebugger(breakOnStart: boolean): void
  }
  /** Of the process, see bindings/native/patched/inspector_server.h. */
  readonly inspectorServer: {
    /**
     * @param onEvents called when there is something to take
     * @returns false if another thread is the server
     */
    serve(onEvents: () => void): boolean
    /** This thread is the server no longer: its clients are disconnected. */
    stop(): void
    /** @param address where the server listens: host:port */
    announce(address: string): void
    /** Event, id of the target, session, text or title, event, … */
    take(): unknown[]
    /** @returns whether there is the target */
    post(
      target: string,
      request: (typeof InspectorRequest)[keyof typeof InspectorRequest],
      session: number,
      text: string,
    ): boolean
    /** Empty if there is no server. */
    address(): string
  }
  readonly chunkFeeder: FeederBinding & {
    bind(next: Next, instance: object): void
  }
  /** The functions of module `rawmem`, see bindings/native/patched/host_windows.h. */
  readonly hostWindows: {
    /** `next`, `map` and `size`, without regions. */
    create(): [WindowFunctions['next'], WindowFunctions['map'], WindowFunctions['size']]
    /**
     * Has a window show the region of a feeder.
     *
     * @param of one of the functions
     * @param next the feeder's; null for none
     */
    set(of: object, window: number, next: Next | null): void
  }
}

/** The native side of a memory that shows windows: an opaque object, tagged by the addon. */
export type WindowTarget = object

/** The addon's `nodeBackends`, see bindings/native/node/. */
export interface NodeBackendsBinding {
  /** Shows a part of a region at address 0 of the memory. */
  show(target: WindowTarget, handle: RegionHandle, byteOffset: number, byteLength: number): void
  /** Restores the memory's own bytes. */
  restore(target: WindowTarget): void
  isShown(target: WindowTarget): boolean
  readonly chunkFeeder: FeederBinding & {
    /** @param resolve called by the first `next()`; kept weakly */
    bind(next: Next, resolve: () => WindowTarget): void
  }
  readonly raw: {
    /**
     * Locks V8's flags: waits until no other thread is between this and {@link unlockFlags}.
     *
     * @returns whether a thread relies on the current flags of V8
     */
    lockFlags(): boolean
    /** @param relied whether this thread relies on the flags from now on */
    unlockFlags(relied: boolean): void
    /**
     * Searches for the places where instances keep start and size of their memories.
     *
     * @param probes instances, each followed by the buffers of its memories
     * @param maxima memories, each with its maximum in pages
     * @returns the places, an opaque object, or the reason why there are none
     */
    search(probes: (object | ArrayBuffer)[][], maxima: [object, number][]): object | string
    describe(layout: object): { readonly text: string; readonly allMemories: boolean }
    /** Keeps `memory` from growing while one of its targets shows a window; for {@link target}. */
    lock(layout: object, memory: object): object
    /** Lets the memory grow, until {@link lower}. */
    lift(lock: object): void
    /** @param bytes the current size of the memory */
    lower(lock: object, bytes: number): void
    /**
     * Call it after an instance was collected and its target finalised.
     *
     * @returns how many targets have been finalised
     */
    settle(lock: object): number
    /**
     * @param bufferOf the getter of `WebAssembly.Memory.prototype.buffer`
     * @param minimum the smallest size of a window, in bytes
     * @param reach the largest size of a window, in bytes
     */
    target(
      layout: object,
      lock: object,
      instance: object,
      memoryIndex: number,
      memory: object,
      bufferOf: () => ArrayBuffer,
      minimum: number,
      reach: number,
    ): WindowTarget
    /** Points the instance at its window again, after V8 has pointed it at its memory. */
    showAgain(target: WindowTarget): void
  }
  readonly rewire: {
    /** Why this system does not support it; undefined if it does. */
    selfTest(): string | undefined
    /**
     * @param bufferOf the getter of `WebAssembly.Memory.prototype.buffer`
     * @param window a host window; undefined for address 0
     */
    target(memory: object, bufferOf: () => ArrayBuffer, window: number | undefined): WindowTarget
  }
}
