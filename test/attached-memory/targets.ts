import { type HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { instantiate, type Tier } from './tier.ts'

/** The two ways to give a region to a module. */
export const ways = ['instance', 'memory'] as const
export type Way = (typeof ways)[number]

/** Attaches a region to an instance that exports its first memory as `memory`, or takes it away. */
export type Attach = (instance: WebAssembly.Instance, region: HostRegion | null) => void

export const attachBy: Readonly<Record<Way, Attach>> = {
  instance: setWasmInstanceRawMemory,
  memory: (instance, region) => instance.exports.memory.attach(region),
}

/** An instance, and one way to change its memories. */
export interface Target {
  readonly instance: WebAssembly.Instance
  readonly exports: WebAssembly.Exports
  attach(region: HostRegion | null, memoryIndex?: number): void
}

/**
 * An instance of a module that imports its memories as `env.memory0`, `env.memory1`, …, all with a
 * minimum of 0.
 */
export function makeTarget(
  tier: Tier,
  way: Way,
  source: string | Uint8Array,
  env: Record<string, WebAssembly.ImportValue> = {},
  { memories = 1, address = 'i32' as WebAssembly.AddressType } = {},
): Target {
  const own = Array.from({ length: memories }, () => {
    const zero = address === 'i64' ? 0n : 0
    const ten = address === 'i64' ? 10n : 10
    return new WebAssembly.Memory({ initial: zero, maximum: ten, address })
  })
  const imports = Object.fromEntries(own.map((memory, index) => [`memory${index}`, memory]))
  const instance = instantiate(tier, source, { ...env, ...imports })
  return {
    instance,
    exports: instance.exports,
    attach(region, memoryIndex = 0) {
      if (way === 'memory') (own[memoryIndex] as WebAssembly.Memory).attach(region)
      else setWasmInstanceRawMemory(instance, region, memoryIndex)
    },
  }
}
