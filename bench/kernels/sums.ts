import { assemble } from '../../cli/assemble.ts'
import type { ValueType } from '../native/native.ts'

/** Where a kernel reads: from address 0 of one of its memories, or from host window 0 of its own memory. */
export type Place = 'memory 0' | 'memory 1' | 'window 0'

/** How a kernel sums up a column. */
export interface SumKernel {
  readonly type: ValueType
  readonly simd: boolean
  /** Default `'memory 0'`. */
  readonly place?: Place
  /** Bytes per round of the loop; a window has a multiple of it. */
  readonly bytesPerRound?: number
  /** Type of addresses. Default `'i32'`. */
  readonly address?: 'i32' | 'i64'
  /** How many sums a scalar loop of integers or `f64` keeps, one for each index modulo that many. Default 4. */
  readonly sums?: 4 | 8
  /** `false`: one load of 32 bits per value, as a compiler makes it of the plain loop. Default `true`. */
  readonly pairs?: boolean
}

/** The exports of the module: the sum over all windows; a `number` for `f32` and `f64`. */
export interface SumExports {
  run(): bigint | number
}

/** A multiple of every `bytesPerRound` here. */
export const windowGranularity = 65_536

/**
 * A module that imports `env.memory` and `env.next`, which brings the next window to address 0 and returns its length, a
 * multiple of {@link windowGranularity}; 0 at the end. The bytes of the module are the same for every engine. For `memory 1`
 * it imports `env.own` as well, its memory 0. For `window 0` it imports `rawmem.next` in place of `env.next`.
 *
 * The loops are unrolled, with constant offsets from one address: a check of bounds belongs to every load, but what it
 * compares with is then computed once for several rounds. A memory that declares a page spares the loop the check
 * whether the offsets themselves lie inside.
 */
export function sumKernel(kernel: SumKernel): Uint8Array<ArrayBuffer> {
  const address = kernel.address ?? 'i32'
  const { locals, body, result, bytesPerRound } = loopOf(kernel)
  const type = kernel.type === 'i32' ? 'i64' : kernel.type
  const { imports, next, begin } = places[kernel.place ?? 'memory 0'](address)
  return assemble(
    'sum.wat',
    `(module
  ${imports}
  (import "env" "memory" (memory ${address} 1))
  (func (export "run") (result ${type})
    (local $at ${address})
    (local $end ${address})
    ${locals}
    (block $done
      (loop $windows
        (local.set $end ${next})
        (br_if $done (${address}.eqz (local.get $end)))
        (local.set $at (${address}.const ${begin}))
        (local.set $end (${address}.add (local.get $end) (local.get $at)))
        (loop $round
          ${body}
          (br_if $round
            (${address}.ne
              (local.tee $at (${address}.add (local.get $at) (${address}.const ${bytesPerRound})))
              (local.get $end))))
        (br $windows)))
    ${result}))`,
  )
}

/** What of the module depends on the place. */
const places: Record<
  Place,
  (address: string) => { readonly imports: string; readonly next: string; readonly begin: string }
> = {
  'memory 0': (address) => ({
    imports: `(import "env" "next" (func $next (result ${address})))`,
    next: '(call $next)',
    begin: '0',
  }),
  'memory 1': (address) => ({
    imports: `(import "env" "next" (func $next (result ${address})))
  (import "env" "own" (memory 1))`,
    next: '(call $next)',
    begin: '0',
  }),
  'window 0': () => ({
    imports: '(import "rawmem" "next" (func $next (param i32 i32) (result i32)))',
    next: '(call $next (i32.const 0) (i32.const -1))',
    begin: '0x80000000',
  }),
}

/** The operands of a load, so many bytes from where the loop is. */
function operands({ place }: SumKernel, offset: number): string {
  return `${place === 'memory 1' ? '1 ' : ''}offset=${offset} (local.get $at)`
}

interface Loop {
  readonly locals: string
  readonly body: string
  readonly result: string
  readonly bytesPerRound: number
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

function declare(names: readonly string[], type: string): string {
  return names.map((name) => `(local ${name} ${type})`).join(' ')
}

function total(type: string, terms: readonly string[]): string {
  return terms.reduce((left, right) => `(${type}.add ${left} ${right})`)
}

function loopOf(kernel: SumKernel): Loop {
  const { type, simd } = kernel
  if (type === 'f32') return simd ? floatVectors(kernel) : floats(kernel)
  if (simd) return vectorsOfTwo(kernel)
  return type === 'i32' && kernel.pairs !== false ? pairsOfIntegers(kernel) : scalars(kernel)
}

function scalars(kernel: SumKernel): Loop {
  const { type, bytesPerRound = 128, sums: count = 4 } = kernel
  const sumType = type === 'f64' ? 'f64' : 'i64'
  const [bytes, load] = type === 'i32' ? [4, 'i64.load32_s'] : [8, `${sumType}.load`]
  const sums = numbers(count).map((i) => `$sum${i}`)
  return {
    bytesPerRound,
    locals: declare(sums, sumType),
    body: numbers(bytesPerRound / bytes)
      .map((i) => {
        const sum = sums[i % sums.length]
        return `(local.set ${sum} (${sumType}.add (local.get ${sum}) (${load} ${operands(kernel, i * bytes)})))`
      })
      .join('\n'),
    result: total(
      sumType,
      sums.map((sum) => `(local.get ${sum})`),
    ),
  }
}

/** Two values per load. */
function pairsOfIntegers(kernel: SumKernel): Loop {
  const { bytesPerRound = 128 } = kernel
  const low = numbers(4).map((i) => `$low${i}`)
  const high = numbers(4).map((i) => `$high${i}`)
  return {
    bytesPerRound,
    locals: declare([...low, ...high, '$pair'], 'i64'),
    body: numbers(bytesPerRound / 8)
      .map((i) => {
        const [lows, highs] = [low[i % 4], high[i % 4]]
        return `
          (local.set $pair (i64.load ${operands(kernel, i * 8)}))
          (local.set ${lows} (i64.add (local.get ${lows}) (i64.extend32_s (local.get $pair))))
          (local.set ${highs} (i64.add (local.get ${highs}) (i64.shr_s (local.get $pair) (i64.const 32))))`
      })
      .join(''),
    result: total(
      'i64',
      [...low, ...high].map((sum) => `(local.get ${sum})`),
    ),
  }
}

/** Eight sums of 64 bits, two in each vector. */
function vectorsOfTwo(kernel: SumKernel): Loop {
  const { type, bytesPerRound = 128 } = kernel
  const [sumType, shape] = type === 'f64' ? ['f64', 'f64x2'] : ['i64', 'i64x2']
  const sums = numbers(4).map((i) => `$sums${i}`)
  const add = (i: number) => {
    const sum = sums[i % sums.length]
    const load = `(v128.load ${operands(kernel, i * 16)})`
    if (type !== 'i32') return `(local.set ${sum} (${shape}.add (local.get ${sum}) ${load}))`
    return `
          (local.set $four ${load})
          (local.set ${sum}
            (i64x2.add (local.get ${sum})
              (i64x2.add
                (i64x2.extend_low_i32x4_s (local.get $four))
                (i64x2.extend_high_i32x4_s (local.get $four)))))`
  }
  return {
    bytesPerRound,
    locals: declare([...sums, '$four'], 'v128'),
    body: numbers(bytesPerRound / 16)
      .map(add)
      .join('\n'),
    result: total(
      sumType,
      sums.flatMap((sum) =>
        [0, 1].map((lane) => `(${shape}.extract_lane ${lane} (local.get ${sum}))`),
      ),
    ),
  }
}

/** The eight sums of bench/native/kernels.cc, added up as there. */
function floats(kernel: SumKernel): Loop {
  const { bytesPerRound = 128 } = kernel
  const sums = numbers(8).map((i) => `$sum${i}`)
  const pair = (i: number) => `(f32.add (local.get $sum${i}) (local.get $sum${i + 4}))`
  return {
    bytesPerRound,
    locals: declare(sums, 'f32'),
    body: numbers(bytesPerRound / 4)
      .map((i) => {
        const sum = sums[i % sums.length]
        return `(local.set ${sum} (f32.add (local.get ${sum}) (f32.load ${operands(kernel, i * 4)})))`
      })
      .join('\n'),
    result: `(f32.add (f32.add ${pair(0)} ${pair(1)}) (f32.add ${pair(2)} ${pair(3)}))`,
  }
}

function floatVectors(kernel: SumKernel): Loop {
  const { bytesPerRound = 128 } = kernel
  const sums = ['$sums0', '$sums1']
  const lane = (i: number) => `(f32x4.extract_lane ${i} (local.get $sums0))`
  return {
    bytesPerRound,
    locals: declare(sums, 'v128'),
    body: numbers(bytesPerRound / 16)
      .map((i) => {
        const sum = sums[i % 2]
        return `(local.set ${sum} (f32x4.add (local.get ${sum}) (v128.load ${operands(kernel, i * 16)})))`
      })
      .join('\n'),
    result: `
    (local.set $sums0 (f32x4.add (local.get $sums0) (local.get $sums1)))
    (f32.add (f32.add ${lane(0)} ${lane(1)}) (f32.add ${lane(2)} ${lane(3)}))`,
  }
}
