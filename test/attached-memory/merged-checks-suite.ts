import test from 'ava'
import { setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { Random } from '../support/random.ts'
import { wat } from '../support/wat.ts'
import { GuardedRegion } from './guarded-region.ts'
import { instantiate, pageSize, type Tier } from './tier.ts'

const programs = 24
/** Neighbours, as unrolled loops have them, and what lies beyond the declared minimum. */
const offsets = [0, 1, 4, 8, 12, 16, 24, 40, 64, 200, 65_520, 65_532, 65_535, 65_536, 70_000]

const loads = {
  'i32.load8_u': 'i64.extend_i32_u',
  'i32.load16_s': 'i64.extend_i32_s',
  'i32.load': 'i64.extend_i32_u',
  'i64.load': '',
  'f64.load': 'i64.reinterpret_f64',
  'v128.load': 'i64x2.extract_lane 1',
  'v128.load32x2_s': 'i64x2.extract_lane 0',
  'v128.load8_splat': 'i64x2.extract_lane 0',
}
const stores = { 'i64.store8': 1, 'i64.store16': 2, 'i64.store32': 4, 'i64.store': 8 }

interface Shape {
  readonly address: 'i32' | 'i64'
  readonly memory: 0 | 1
  /** Pages that the memory declares. */
  readonly minimum: 0 | 1
  /** Whether all accesses have one index. */
  readonly oneIndex: boolean
}

/**
 * A function of two addresses and a divisor that loads, and now and then stores or does something else that is observable, at
 * constant offsets from them.
 */
function program({ address, memory, minimum, oneIndex }: Shape, random: Random): string {
  const step = () => {
    const others = ['(local.get $b)', `(${address}.add (local.get $a) (${address}.const 8))`]
    const at = oneIndex || random.below(5) < 3 ? '(local.get $a)' : random.pick(others)
    const access = `${memory === 0 ? '' : memory} offset=${random.pick(offsets)} ${at}`
    const kind = random.below(20)
    if (kind < 14) {
      const [load, convert] = random.pick(Object.entries(loads))
      return `(local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 7))
        ${convert === '' ? `(${load} ${access})` : `(${convert} (${load} ${access}))`}))`
    }
    if (kind < 17) return `(${random.pick(Object.keys(stores))} ${access} (local.get $sum))`
    if (kind === 17) return '(global.set $sum (local.get $sum))'
    if (kind === 18) {
      return '(local.set $sum (i64.div_u (local.get $sum) (local.get $divisor)))'
    }
    return `(if (i64.gt_u (local.get $sum) (i64.const 0x4000000000000000))
      (then (local.set $sum (i64.load ${access}))))`
  }
  const steps = Array.from({ length: 3 + random.below(12) }, step)
  const memories = [0, 1].slice(0, memory + 1)
  return `(module
    ${memories.map((i) => `(import "env" "memory${i}" (memory ${address} ${minimum} 10))`).join('\n')}
    (global $sum (export "sum") (mut i64) (i64.const 0))
    (func (export "run") (param $a ${address}) (param $b ${address}) (param $divisor i64)
      (result i64) (local $sum i64)
      (local.set $sum (i64.const 0x0123456789abcdef))
      ${steps.join('\n')}
      (local.get $sum)))`
}

/** Node's own engine. */
const own = Reflect.get(globalThis, 'WebAssembly') as typeof WebAssembly

/**
 * What a call came to: its result, or the trap. With one index, the position of the instruction in the module is part of it.
 * Of accesses with several indices that are all out of bounds, with nothing observable between them, any may be the one that
 * traps.
 */
function outcomeOf({ oneIndex }: Shape, run: () => unknown): string {
  try {
    return String(run())
  } catch (error) {
    const { message, stack } = error as Error
    return oneIndex ? `${message}, ${/wasm-function\[\d+\]:\w+/.exec(stack ?? '')?.[0]}` : message
  }
}

function seed(bytes: Uint8Array): void {
  for (let i = 0; i < bytes.length; ++i) bytes[i] = (i * 31) ^ (i >> 8)
}

/** Node 22 validates modules with memories of 64 bits, and takes no bigint for one of its own. */
function makesMemories(address: 'i32' | 'i64'): boolean {
  try {
    new own.Memory(address === 'i64' ? { initial: 0n, address } : { initial: 0 })
    return true
  } catch {
    return false
  }
}

/**
 * Optimized code checks the furthest of several accesses in place of each. What a program does, which instruction traps, and
 * what was stored before, must be what they are in Node's own engine.
 */
export function mergedChecksSuite(tier: Tier): void {
  for (const address of ['i32', 'i64'] as const) {
    for (const memory of [0, 1] as const) {
      for (const minimum of [0, 1] as const) {
        // Not every release of Node has several memories, and those of 64 bits.
        const shape = { address, memory, minimum }
        const runs =
          own.validate(wat(program({ ...shape, oneIndex: true }, new Random(1)))) &&
          makesMemories(address)
        const declare = runs ? test : test.skip
        declare(
          `accesses trap one by one: ${address} addresses, memory ${memory}, at least ${minimum} pages`,
          (t) => {
            const random = new Random(1 + memory + 2 * minimum + (address === 'i64' ? 4 : 0))
            const wrong: string[] = []
            for (let i = 0; i < programs; ++i) {
              wrong.push(...differences(tier, { ...shape, oneIndex: i % 2 === 0 }, random))
            }
            t.deepEqual(wrong.slice(0, 3), [])
          },
        )
      }
    }
  }
}

/** How a random program differs from itself in Node's own engine. */
function differences(tier: Tier, shape: Shape, random: Random): string[] {
  const { address, memory } = shape
  const pages = (count: number) => (address === 'i64' ? BigInt(count) : count) as number
  const memoriesOf = (engine: typeof WebAssembly) =>
    [0, 1].map(() => new engine.Memory({ initial: pages(1), maximum: pages(10), address }))
  const importsOf = (memories: WebAssembly.Memory[]) =>
    Object.fromEntries(memories.map((memory, index) => [`memory${index}`, memory]))

  const binary = wat(program(shape, random))
  const instance = instantiate(tier, binary, importsOf(memoriesOf(WebAssembly)))
  const guarded = new GuardedRegion(pageSize, random.below(3))
  setWasmInstanceRawMemory(instance, guarded.region, memory)
  const copies = memoriesOf(own)
  const copy = new Uint8Array(copies[memory]!.buffer)
  const { exports } = new own.Instance(new own.Module(binary), { env: importsOf(copies) })

  const wrong: string[] = []
  const ends = offsets.map((offset) => pageSize - offset)
  for (let call = 0; call < 40 * Math.min(tier.rounds, 3); ++call) {
    const [a, b] = [0, 1].map(() => Math.max(0, random.pick(ends) - random.below(20)))
    const parameters = [
      ...[a!, b!].map((at) => (address === 'i64' ? BigInt(at) : at)),
      BigInt(random.below(4)),
    ]
    seed(guarded.bytes)
    seed(copy)
    const [expected, actual] = [exports, instance.exports].map(
      ({ run, sum }) => `${outcomeOf(shape, () => run(...parameters))}, ${sum.value}`,
    )
    if (actual !== expected || Buffer.compare(guarded.bytes, copy) !== 0) {
      const bytes = Buffer.compare(guarded.bytes, copy) === 0 ? 'are alike' : 'differ'
      wrong.push(
        `run(${parameters}): ${actual}; expected ${expected}; bytes ${bytes}; base64 of the module: ${Buffer.from(binary).toString('base64')}`,
      )
    }
  }
  if (!guarded.intact) wrong.push('bytes outside were written')
  setWasmInstanceRawMemory(instance, null, memory)
  guarded.close()
  return wrong
}
