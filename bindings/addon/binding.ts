import type { FeederBinding, Next } from '../feeder/feeder-class.ts'
import type { RegionHandle } from '../region.ts'

/** Native side of one memory that windows are shown in: an opaque object, tagged by the addon. */
export type WindowTarget = object

/** What the addon defines as `nodeBackends`, see bindings/native/node/. */
export interface NodeBackendsBinding {
  /** Puts a part of a region at address 0 of the memory. */
  show(target: WindowTarget, handle: RegionHandle, byteOffset: number, byteLength: number): void
  /** Goes back to the memory's own bytes. */
  restore(target: WindowTarget): void
  isShown(target: WindowTarget): boolean
  readonly chunkFeeder: FeederBinding & {
    /** @param resolve called by the first `next()`; kept weakly */
    bind(next: Next, resolve: () => WindowTarget): void
  }
  readonly raw: {
    /**
     * Waits until no other thread is between this and {@link unlockFlags}.
     *
     * @returns whether some thread relies on V8's flags as they are
     */
    lockFlags(): boolean
    /** @param relied whether this thread does, from now on */
    unlockFlags(relied: boolean): void
    /**
     * Looks for the places where instances keep start and size of their memories.
     *
     * @param probes instances, each followed by the buffers of its memories
     * @param maxima memories, each with its maximum in pages
     * @returns the places, an opaque object, or why there are none
     */
    search(probes: (object | ArrayBuffer)[][], maxima: [object, number][]): object | string
    describe(layout: object): { readonly text: string; readonly allMemories: boolean }
    /** What keeps `memory` from growing as long as one of its targets shows a window; for {@link target}. */
    lock(layout: object, memory: object): object
    /** Lets the memory grow, until {@link lower}. */
    lift(lock: object): void
    /** @param bytes what the memory has now */
    lower(lock: object, bytes: number): void
    /**
     * To be called after an instance was collected, and its target finalised.
     *
     * @returns how many targets have been finalised
     */
    settle(lock: object): number
    /**
     * @param bufferOf the getter of `WebAssembly.Memory.prototype.buffer`
     * @param minimum bytes that a window must have
     * @param reach bytes that it may have
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
    /** Points the instance at its window once more, after V8 has pointed it at its memory. */
    showAgain(target: WindowTarget): void
  }
  readonly rewire: {
    /** Why this system cannot do it; undefined if it can. */
    selfTest(): string | undefined
    /** @param bufferOf the getter of `WebAssembly.Memory.prototype.buffer` */
    target(memory: object, bufferOf: () => ArrayBuffer): WindowTarget
  }
}
