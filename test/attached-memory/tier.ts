import { deserializeModule, serializeModule, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

/** How a run of the suite compiles its modules. */
export interface Tier {
  readonly name: string
  /** Calls of everything, so that code becomes hot where it is replaced then. */
  readonly rounds: number
  /** Every module is serialized, and what is tested was deserialized. */
  readonly throughCodeCache?: boolean
}

export const pageSize = 65536

export const outOfBounds = {
  instanceOf: WebAssembly.RuntimeError,
  message: 'memory access out of bounds',
}

export function compile(tier: Tier, text: string): WebAssembly.Module {
  const bytes = wat(text)
  const module = new WebAssembly.Module(bytes)
  return tier.throughCodeCache ? deserializeModule(serializeModule(module), bytes) : module
}

export function instantiate(
  tier: Tier,
  text: string,
  env: Record<string, WebAssembly.ImportValue> = {},
): WebAssembly.Instance {
  return new WebAssembly.Instance(compile(tier, text), { env })
}
