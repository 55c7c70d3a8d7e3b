import type { ChunkFeeder, ChunkFeederConstructor } from '../../types/chunk-feeder.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type * as api from '../../types/host-windows.d.ts'
import type { Instance } from '../../types/web-assembly.d.ts'
import type { EngineBinding } from '../addon/binding.ts'
import { checkInteger, show } from '../arguments.ts'
import { dispose } from '../dispose.ts'
import { regionParts } from '../region.ts'
import type { Bindable } from './bindable.ts'
import {
  type CommonOptions,
  type InternalOptions,
  readCommonOptions,
  windowOption,
} from './options.ts'
import { defaultHostWindowSize, hostWindows, windowRoom } from './window-addresses.ts'

/** What windows do by means of the engine whose instances they are of. */
export interface WindowsEngine {
  readonly native: EngineBinding['hostWindows']
  readonly ChunkFeeder: ChunkFeederConstructor
  /** What makes the instances, for messages. */
  readonly maker: string
  isInstance(value: unknown): value is Instance
  /** Has instances import `function`: see Bindable. */
  register(windowFunction: object, windows: Bindable): void
}

interface Options extends CommonOptions<api.WindowProgress> {
  readonly windowSize: number
}

function readOptions(options: unknown): Options {
  const common = readCommonOptions<api.WindowProgress>('HostWindows', options)
  const { windowSize = defaultHostWindowSize } = options as api.HostWindowsOptions
  return { ...common, windowSize: checkInteger('HostWindows: windowSize', windowSize, 1, 2 ** 31) }
}

/** Each window that shows a region must have room for a chunk. */
function checkRoom(regions: readonly (HostRegion | null)[], windowSize: number): void {
  const lengths = regions.map((region) => (region === null ? null : regionParts(region).byteLength))
  const used = [...lengths.keys()].filter((window) => lengths[window] !== null)
  used.forEach((window, i) => {
    const next = used[i + 1]
    const room = windowRoom(window, next)
    if (Math.min(windowSize, lengths[window]!) <= room) return
    throw new RangeError(
      `windowSize must be at most ${room}, the room of window ${window}${
        next === undefined ? '' : ` before window ${next}`
      }; got ${windowSize}. Windows with nothing (null) behind them have more room`,
    )
  })
}

/** Milliseconds between two reports of what programs tell by `progress`. */
const reportInterval = 100

/** What a program has said by `progress`, and when that was passed on. */
interface Told {
  readonly position: number
  readonly reportAt: number
}

/** The class of host windows for the instances of one engine. */
export function hostWindowsClass(engine: WindowsEngine): api.HostWindowsConstructor {
  const { native } = engine

  class HostWindows implements api.HostWindows {
    readonly imports: api.HostWindows['imports']
    /** By window. */
    readonly #feeders: (ChunkFeeder | null)[]
    readonly #options: Options
    /** By window. */
    readonly #told: (Told | undefined)[] = []
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
      checkRoom(Array.from(regions), this.#options.windowSize)
      const [next, map, size] = native.create()
      // The instance keeps this function, and must not keep what keeps the instance.
      const reference = new WeakRef(this)
      const progress = (window: number, position: bigint): void => {
        const windows = reference.deref()
        if (windows !== undefined) windows.#tell(window, BigInt.asUintN(64, position))
      }
      this.imports = Object.freeze({ rawmem: Object.freeze({ next, map, size, progress }) })
      this.#feeders = Array.from({ length: hostWindows }, (_, window) =>
        this.#feeder(window, regions[window] ?? null),
      )
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
      for (const windowFunction of [next, map, size, progress])
        engine.register(windowFunction, bindable)
    }

    get regions(): readonly (HostRegion | null)[] {
      return this.#feeders.map((feeder) => feeder?.region ?? null)
    }

    setRegion(window: number, region: HostRegion | null): void {
      this.#checkOpen('setRegion')
      checkInteger('window', window, 0, hostWindows - 1)
      checkRoom(this.regions.with(window, region), this.#options.windowSize)
      this.#feeders[window]?.close()
      const feeder = this.#feeder(window, region)
      this.#feeders[window] = feeder
      if (this.#instance !== undefined) feeder?.bind(this.#instance)
    }

    bind(instance: Instance | null): void {
      if (instance !== null && !engine.isInstance(instance)) {
        throw new TypeError(
          `bind: instance must be an instance made by ${engine.maker}, or null; got ${show(instance)}`,
        )
      }
      this.#checkOpen('bind')
      if (instance === this.#instance) return
      if (instance === null) this.#unbind()
      else this.#bind(instance)
    }

    rewind(): void {
      this.#checkOpen('rewind')
      for (const feeder of this.#feeders) feeder?.rewind()
      this.#told.length = 0
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

    /** Has the functions move the window over `region`, or over nothing. */
    #feeder(window: number, region: HostRegion | null): ChunkFeeder | null {
      delete this.#told[window]
      const { onProgress, signal, ...options } = this.#options
      const feederOptions: InternalOptions = {
        ...options,
        [windowOption]: window,
        ...(signal && { signal }),
        ...(onProgress && {
          onProgress: ({ position, ...progress }) =>
            onProgress({ window, position: this.#told[window]?.position ?? position, ...progress }),
        }),
      }
      const feeder = region && new engine.ChunkFeeder(region, feederOptions)
      native.set(this.imports.rawmem.next, window, feeder?.next ?? null)
      return feeder
    }

    #tell(window: number, position: bigint): void {
      const feeder = this.#feeders[window]
      const { byteLength } = feeder?.region ?? {}
      if (!feeder || byteLength === undefined) {
        throw new RangeError(`rawmem: progress: window ${window} shows no region`)
      }
      if (position > byteLength) {
        throw new RangeError(
          `rawmem: progress: position ${position} lies beyond the ${byteLength} bytes of window ${window}`,
        )
      }
      const { onProgress } = this.#options
      if (onProgress === undefined) return
      const now = performance.now()
      const due = now >= (this.#told[window]?.reportAt ?? 0)
      const reportAt = due ? now + reportInterval : this.#told[window]!.reportAt
      const told = Number(position)
      this.#told[window] = { position: told, reportAt }
      if (due) onProgress({ window, position: told, byteLength, windows: feeder.windows })
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
