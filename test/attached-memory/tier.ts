import { deserializeModule, serializeModule, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

/** How a run of the suite compiles its modules. */
export interface Tier {
  /** Calls of everything, so that code becomes hot where it is replaced then. */
  readonly rounds: number
  /** Every module is serialized, and what is tested was deserialized. */
  readonly throughCodeCache?: boolean
}

export const pageSize = 65536

/** Messages of traps. */
export const trapped = 'memory access out of bounds'
export const unaligned = 'operation does not support unaligned accesses'

export const outOfBounds = { instanceOf: WebAssembly.RuntimeError, message: trapped }

/**
 * What may come of an access for which x64 has one outcome. On arm64, an atomic access traps if the region does not begin at a
 * multiple of its size.
 *
 * @param width the bytes of an atomic access; undefined for others
 * @param toPage the bytes from the beginning of the region to the next page
 */
export function possibleOutcomes(
  outcome: string,
  width: number | undefined,
  toPage: number,
): readonly string[] {
  if (process.arch === 'x64' || width === undefined || toPage % width === 0) return [outcome]
  return outcome === trapped ? [trapped, unaligned] : [unaligned]
}

/** `'done'`, or the message of the trap. */
export function outcome(run: () => unknown): string {
  try {
    run()
    return 'done'
  } catch (error) {
    return error instanceof WebAssembly.RuntimeError ? error.message : `? ${error}`
  }
}

/** @param source A module in text format or in binary. */
export function compile(
  tier: Tier,
  source: string | Uint8Array,
  options: WebAssembly.CompileOptions = {},
): WebAssembly.Module {
  const bytes = typeof source === 'string' ? wat(source) : source
  const module = new WebAssembly.Module(bytes, options)
  return tier.throughCodeCache ? deserializeModule(serializeModule(module), bytes, options) : module
}

export function instantiate(
  tier: Tier,
  source: string | Uint8Array,
  env: Record<string, WebAssembly.ImportValue> = {},
): WebAssembly.Instance {
  return new WebAssembly.Instance(compile(tier, source), { env })
}
