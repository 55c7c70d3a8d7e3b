import type { RegionHandle } from '../../host-region.ts'

/** Native side of one memory that windows are shown in: an opaque object, tagged by the addon. */
export type WindowTarget = object

/** What the addon defines as `nodeBackends`, see bindings/node-backends/src/. */
export interface NodeBackendsBinding {
  /** Puts a part of a region at address 0 of the memory. */
  show(target: WindowTarget, handle: RegionHandle, byteOffset: number, byteLength: number): void
  /** Goes back to the memory's own bytes. */
  restore(target: WindowTarget): void
  isShown(target: WindowTarget): boolean
  readonly rewire: {
    /** Why this system cannot do it; undefined if it can. */
    selfTest(): string | undefined
    /** @param bufferOf the getter of `WebAssembly.Memory.prototype.buffer` */
    target(memory: object, bufferOf: () => ArrayBuffer): WindowTarget
  }
}
