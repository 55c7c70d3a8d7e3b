import type { RunWithLimits } from './call-limits.d.ts'
import type { ChunkFeederConstructor } from './chunk-feeder.d.ts'
import type { HostRegion, HostRegionConstructor } from './host-region.d.ts'
import type { HostWindowsConstructor } from './host-windows.d.ts'
import type * as api from './web-assembly.d.ts'

/**
 * How WebAssembly runs on host memory.
 *
 * - `'patched'`: in the patched V8 of this package. It supports everything; its instances are not
 *   Node's own.
 * - `'node-raw'`: in Node's own V8. The backend overwrites start and size of an instance's memory.
 * - `'node-rewire'`: in Node's own V8. The backend maps the region's pages at the memory's
 *   addresses, so windows begin at a page.
 *
 * docs/backends.md says what each can do, and what it costs.
 */
export type BackendName = 'patched' | 'node-raw' | 'node-rewire'

/** Options of `setWasmInstanceRawMemory`. */
export interface RawMemoryOptions {
  /**
   * Whether the region may hide what the program keeps in the memory itself: statics, a stack, a
   * heap. With `false` (default), a module whose bytes show such data is refused.
   */
  overOwnData?: boolean
}

/**
 * One way to run WebAssembly on host memory. All backends have the same members. A program written
 * for one runs unchanged on another, or gets an error that names what that backend cannot do.
 *
 * All backends share regions. Other objects work only with the backend that made them.
 */
export interface Backend {
  readonly name: BackendName
  /** The node backends wrap Node's own namespace: their modules and instances are Node's. */
  readonly WebAssembly: api.WebAssemblyNamespace
  /** Makes regions that fit this backend: for `'node-rewire'`, `shareable` is `true` by default. */
  readonly HostRegion: HostRegionConstructor
  /** Limits calls of this backend's instances. `'node-raw'` and `'node-rewire'` refuse. */
  readonly runWithLimits: RunWithLimits
  /** Feeds instances of this backend. */
  readonly ChunkFeeder: ChunkFeederConstructor
  /** Like the function of the same name that the package exports, for instances of this backend. */
  setWasmInstanceRawMemory(
    instance: api.Instance,
    region: HostRegion | null,
    memoryIndex?: number,
    options?: RawMemoryOptions,
  ): void
  /** Shows regions to instances of this backend, beside their own memory. `'node-raw'` refuses. */
  readonly HostWindows: HostWindowsConstructor
  /** Like the function of the same name that the package exports, for instances of this backend. */
  setWasmInstanceWindow(
    instance: api.Instance,
    region: HostRegion | null,
    window: number,
    memoryIndex?: number,
  ): void
}

/** Whether a backend works in this process. */
export interface BackendStatus {
  readonly name: BackendName
  readonly available: boolean
  /** One sentence: why not, or what the backend found. */
  readonly reason: string
}
