import type {
  ChunkFeeder,
  ChunkFeederConstructor,
  FeederProgress,
} from '../../types/chunk-feeder.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type * as api from '../../types/host-windows.d.ts'
import type { Instance } from '../../types/web-assembly.d.ts'
import type { EngineBinding } from '../addon/binding.ts'
import { checkBoolean, checkInteger, show } from '../arguments.ts'
import { dispose } from '../dispose.ts'

import type { Bindable } from './bindable.ts'
import { type InternalOptions, windowOption } from './options.ts'
import { hostWindows, windowRoom } from './window-addresses.ts'

/** What windows do by means of the engine whose instances they are of. */
export interface WindowsEngine {
  readonly native: EngineBinding['hostWindows']
  readonly ChunkFeeder: ChunkFeederConstructor
  /** Has instances import `function`: see Bindable. */
  register(windowFunction: object, windows: Bindable): void
}

const defaultWindowSize = 64 * 2 ** 20

type Slots = (ChunkFeeder | undefined)[]

/** The class of host windows for the instances of one engine. */
export function hostWindowsClass(engine: WindowsEngine): api.HostWindowsConstructor {
  const { native } = engine

  class HostWindows implements api.HostWindows {
    readonly imports: api.HostWindows['imports']
    readonly #feeders: Slots = []
    readonly #options: api.HostWindowsOptions
    #instance: Instance | undefined
    #closed = false

    constructor(regions: readonly (HostRegion | null)[], options: api.HostWindowsOptions = {}) {
      if (!Array.isArray(regions)) {
        throw new TypeError(`regions must be an array of HostRegion or null; got ${show(regions)}`)
      }
      if (regions.length > hostWindows) {
        throw new RangeError(
          `regions must have at most ${hostWindows} elements, one for each window; got ${regions.length}`,
        )
      }
      this.#options = readOptions(options)
      const [next, map, size] = native.create()
      this.imports = Object.freeze({ rawmem: Object.freeze({ next, map, size }) })
      regions.forEach((region, window) => {
        if (region !== null) this.#feeders[window] = this.#feeder(window, region)
      })
      this.#checkRoom(this.#feeders)
      this.#feeders.forEach((feeder, window) => {
        if (feeder !== undefined) native.set(next, window, feeder.next)
      })
      const bindable: Bindable = {
        refusal: () => {
          if (this.#closed) return 'the HostWindows are closed'
          if (this.#instance === undefined) return undefined
          return 'the HostWindows are bound to another instance; windows.bind(null) takes them away from that one'
        },
        bind: (instance) => {
          if (!this.#closed && this.#instance === undefined) this.#bind(instance)
        },
      }
      for (const windowFunction of [next, map, size]) engine.register(windowFunction, bindable)
    }

    get regions(): readonly (HostRegion | null)[] {
      return Array.from(
        this.#feeders,
        (feeder) => (feeder?.region as HostRegion | undefined) ?? null,
      )
    }

    setRegion(window: number, region: HostRegion | null): void {
      this.#checkOpen('setRegion')
      checkInteger('window', window, 0, hostWindows - 1)
      const feeder = region === null ? undefined : this.#feeder(window, region)
      const feeders: Slots = this.#feeders.slice()
      feeders[window] = feeder
      this.#checkRoom(feeders)
      this.#feeders[window]?.close()
      this.#feeders[window] = feeder
      native.set(this.imports.rawmem.next, window, feeder?.next ?? null)
      if (this.#instance !== undefined) feeder?.bind(this.#instance)
    }

    bind(instance: Instance | null): void {
      this.#checkOpen('bind')
      if (instance === this.#instance) return
      if (instance === null) this.#unbind()
      else this.#bind(instance)
    }

    rewind(): void {
      this.#checkOpen('rewind')
      for (const feeder of this.#feeders) feeder?.rewind()
    }

    close(): void {
      if (this.#closed) return
      this.#closed = true
      for (const feeder of this.#feeders) feeder?.close()
    }

    [dispose](): void {
      this.close()
    }

    get [Symbol.toStringTag](): string {
      return 'HostWindows'
    }

    #feeder(window: number, region: HostRegion): ChunkFeeder {
      const { windowSize = defaultWindowSize, onProgress, ...options } = this.#options
      const feederOptions: InternalOptions = {
        ...options,
        windowSize,
        [windowOption]: window,
        ...(onProgress && {
          onProgress: (progress: FeederProgress) => onProgress({ window, ...progress }),
        }),
      }
      return new engine.ChunkFeeder(region, feederOptions)
    }

    /** Each window must have room for a chunk. */
    #checkRoom(feeders: Slots): void {
      const { windowSize = defaultWindowSize } = this.#options
      const used = [...feeders.keys()].filter((window) => feeders[window] !== undefined)
      used.forEach((window, i) => {
        const room = windowRoom(window, used[i + 1])
        const wanted = Math.min(windowSize, feeders[window]!.region.byteLength)
        if (wanted > room) {
          throw new RangeError(
            `windowSize must be at most ${room}, the room of window ${window}${
              used[i + 1] === undefined ? '' : ` before window ${used[i + 1]}`
            }; got ${windowSize}. Windows with nothing (null) behind them have more room`,
          )
        }
      })
    }

    #checkOpen(method: string): void {
      if (this.#closed) throw new TypeError(`${method}: the HostWindows are closed`)
    }

    #bind(instance: Instance): void {
      for (const feeder of this.#feeders) feeder?.bind(instance)
      this.#instance = instance
    }

    #unbind(): void {
      this.#instance = undefined
      for (const feeder of this.#feeders) feeder?.bind(null)
    }
  }

  return HostWindows as api.HostWindowsConstructor
}

function readOptions(options: unknown): api.HostWindowsOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`HostWindows: options must be an object; got ${show(options)}`)
  }
  const { windowSize, writable, prefetch, release, onProgress, signal } =
    options as api.HostWindowsOptions
  if (windowSize !== undefined) checkInteger('HostWindows: windowSize', windowSize, 1, 2 ** 31)
  for (const [name, value] of Object.entries({ writable, prefetch, release })) {
    if (value !== undefined) checkBoolean(`HostWindows: ${name}`, value)
  }
  if (onProgress !== undefined && typeof onProgress !== 'function') {
    throw new TypeError(`HostWindows: onProgress must be a function; got ${show(onProgress)}`)
  }
  if (signal !== undefined && !((signal as unknown) instanceof AbortSignal)) {
    throw new TypeError(`HostWindows: signal must be an AbortSignal; got ${show(signal)}`)
  }
  return Object.fromEntries(
    Object.entries({ windowSize, writable, prefetch, release, onProgress, signal }).filter(
      ([, value]) => value !== undefined,
    ),
  )
}
