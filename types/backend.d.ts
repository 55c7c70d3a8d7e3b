import type { ChunkFeederConstructor } from './chunk-feeder.d.ts'
import type { HostRegion, HostRegionConstructor } from './host-region.d.ts'
import type { HostWindowsConstructor } from './host-windows.d.ts'
import type * as api from './web-assembly.d.ts'

/**
 * How WebAssembly comes to run on host memory.
 *
 * - `'patched'`: by the V8 inside of this package, changed for it. Everything is possible; instances are not Node's own.
 * - `'node-raw'`: by Node's own V8, whose notion of a memory's start and size is overwritten per instance.
 * - `'node-rewire'`: by Node's own V8, under whose memories the pages of a region are mapped. Windows begin at a page.
 *
 * docs/backends.md says what each can do, costs, and cannot promise.
 */
export type BackendName = 'patched' | 'node-raw' | 'node-rewire'

/** How `setWasmInstanceRawMemory` goes about it. */
export interface RawMemoryOptions {
  /**
   * Whether the region may hide what the program keeps in the memory itself: statics, a stack, a heap. Default `false`: a
   * module in whose bytes such things show is refused.
   */
  overOwnData?: boolean
}

/**
 * One way to run WebAssembly on host memory. All backends have the same members; a program that uses those of one backend
 * runs unchanged on another one, or gets an error that says what that backend cannot do.
 *
 * Objects of different backends do not mix, except for regions: those are known to all. What a backend cannot attach it
 * refuses.
 */
export interface Backend {
  readonly name: BackendName
  /** For the node backends, a namespace around Node's own: its modules and instances are Node's. */
  readonly WebAssembly: api.WebAssemblyNamespace
  /** The one class of regions. What it makes fits this backend: for `'node-rewire'`, `shareable` is `true` by default. */
  readonly HostRegion: HostRegionConstructor
  /** Feeds instances of this backend. */
  readonly ChunkFeeder: ChunkFeederConstructor
  /** As the function of the same name that the package exports, for instances of this backend. */
  setWasmInstanceRawMemory(
    instance: api.Instance,
    region: HostRegion | null,
    memoryIndex?: number,
    options?: RawMemoryOptions,
  ): void
  /** Shows regions to instances of this backend, beside their own memory. `'node-raw'` and `'node-rewire'` refuse. */
  readonly HostWindows: HostWindowsConstructor
  /** As the function of the same name that the package exports, for instances of this backend. */
  setWasmInstanceWindow(
    instance: api.Instance,
    region: HostRegion | null,
    window: number,
    memoryIndex?: number,
  ): void
}

/** Whether a backend can be used in this process. */
export interface BackendStatus {
  readonly name: BackendName
  readonly available: boolean
  /** Why not, or what was found. One sentence. */
  readonly reason: string
}
