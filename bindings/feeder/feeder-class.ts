import type * as api from '../../types/chunk-feeder.d.ts'
import type { Instance } from '../../types/web-assembly.d.ts'
import type { FeederBinding, Next, Notify } from '../addon/binding.ts'
import { FeederFlag as Flag, Notice } from '../addon/numbers.ts'
import { show } from '../arguments.ts'
import { dispose } from '../dispose.ts'
import { type HostRegion, regionParts } from '../region.ts'
import { onAbort } from './abort.ts'
import type { Bindable } from './bindable.ts'
import { readFeederOptions } from './options.ts'

/** The engine whose instances a feeder feeds. */
export interface FeederEngine {
  readonly native: FeederBinding
  /** What makes the instances, for messages. */
  readonly maker: string
  isInstance(value: unknown): value is Instance
  /** Lets instances import `next`, see Bindable. */
  register(next: Next, feeder: Bindable): void
  /** Throws if `instance` keeps things of its own in the memory. */
  checkOwnData(instance: Instance, memoryIndex: number): void
  /** Keeps alive what the addon refers to weakly. */
  bind(next: Next, instance: Instance, memoryIndex: number, window: number | undefined): void
  unbind(next: Next, instance: Instance): void
}

/** The class of feeders for the instances of one engine. */
export function chunkFeederClass(engine: FeederEngine): api.ChunkFeederConstructor {
  const { native } = engine

  class ChunkFeeder implements api.ChunkFeeder {
    readonly #region: HostRegion
    readonly #next: Next
    /** The addon refers to these weakly. */
    readonly #notify: Notify
    readonly #control: Uint8Array | undefined
    readonly #memoryIndex: number
    /** The host window that shows the region, if one does. */
    readonly #window: number | undefined
    readonly #checkOwnData: boolean
    #instance: Instance | undefined
    #closed = false
    #stopListening: (() => void) | undefined

    constructor(region: api.ChunkFeeder['region'], options?: api.ChunkFeederOptions) {
      const { handle, byteOffset, byteLength } = regionParts(region)
      const {
        windowSize,
        anyWindowSize,
        address,
        memoryIndex,
        writable,
        prefetch,
        release,
        onProgress,
        signal,
        control,
        window,
        overOwnData,
      } = readFeederOptions(byteLength, options)
      // A host window leaves the program's own memory alone.
      this.#checkOwnData = !overOwnData && window === undefined
      this.#region = region as HostRegion
      this.#control = control
      this.#memoryIndex = memoryIndex
      this.#window = window
      this.#notify = (notice, position, windows) => {
        switch (notice) {
          case Notice.Progress: {
            const reader = this.#instance
            onProgress?.({ position, byteLength, windows })
            // The bound instance gets the window, but the program that called `next` would get its
            // length.
            if (this.#instance !== undefined && this.#instance !== reader) {
              throw new Error(
                'next: onProgress has bound the ChunkFeeder to another instance, which sees the following windows, so the program that called next cannot go on; bind it before a program begins or when it has come to its end, or use a ChunkFeeder for each instance',
              )
            }
            return
          }
          case Notice.End:
            onProgress?.({ position, byteLength, windows })
            return
          case Notice.Aborted:
            throw signal?.reason
          case Notice.Stopped:
            throw new DOMException('The ChunkFeeder was stopped', 'AbortError')
        }
      }
      this.#next = native.create(
        handle,
        byteOffset,
        byteLength,
        windowSize,
        memoryIndex,
        (address === 'i64' ? Flag.Address64 : 0) |
          (prefetch ? Flag.Prefetch : 0) |
          (release ? Flag.Release : 0) |
          (writable ? Flag.Writable : 0) |
          (onProgress === undefined ? 0 : Flag.Progress) |
          (anyWindowSize ? Flag.AnyWindowSize : 0),
        this.#control,
        this.#notify,
        window,
      )
      engine.register(this.#next, {
        refusal: () => {
          if (this.#closed) return 'the ChunkFeeder is closed'
          if (this.#instance === undefined) return undefined
          return 'the ChunkFeeder is bound to another instance; feeder.bind(null) takes it away from that one'
        },
        // The start function may have bound or closed the feeder.
        bind: (instance) => {
          if (!this.#closed && this.#instance === undefined) this.#bind(instance)
        },
      })
      if (signal !== undefined) this.#stopListening = onAbort(signal, this.#next, native.abort)
    }

    get region(): HostRegion {
      return this.#region
    }

    get next(): Next {
      return this.#next
    }

    get position(): number {
      return native.position(this.#next)
    }

    get windows(): number {
      return native.windows(this.#next)
    }

    bind(instance: Instance | null): void {
      if (instance !== null && !engine.isInstance(instance)) {
        throw new TypeError(
          `bind: instance must be an instance made by ${engine.maker}, or null; got ${show(instance)}`,
        )
      }
      if (this.#closed) throw new TypeError('bind: the ChunkFeeder is closed')
      if (instance === this.#instance) return
      if (instance === null) this.#unbind()
      else this.#bind(instance)
    }

    rewind(): void {
      if (this.#closed) throw new TypeError('rewind: the ChunkFeeder is closed')
      native.rewind(this.#next)
    }

    close(): void {
      if (this.#closed) return
      this.#closed = true
      try {
        this.#unbind()
      } finally {
        native.close(this.#next)
        this.#stopListening?.()
      }
    }

    [dispose](): void {
      this.close()
    }

    get [Symbol.toStringTag](): string {
      return 'ChunkFeeder'
    }

    #bind(instance: Instance): void {
      this.#unbind()
      if (this.#checkOwnData) engine.checkOwnData(instance, this.#memoryIndex)
      engine.bind(this.#next, instance, this.#memoryIndex, this.#window)
      this.#instance = instance
    }

    #unbind(): void {
      const instance = this.#instance
      if (instance === undefined) return
      this.#instance = undefined
      engine.unbind(this.#next, instance)
    }
  }

  return ChunkFeeder
}
