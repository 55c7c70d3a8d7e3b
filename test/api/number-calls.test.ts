// Exports that take and return numbers only have a way of their own once they were called often. It
// has to do what the engine does elsewhere: stock Node tells what that is.

import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

// More than it takes.
const many = 300

type Exports = Record<string, (...args: unknown[]) => unknown>

function both(
  text: string,
  imports?: WebAssembly.Imports,
): { readonly ours: Exports; readonly stock: Exports } {
  const bytes = wat(text)
  const instantiate = (namespace: typeof WebAssembly): Exports =>
    new namespace.Instance(new namespace.Module(bytes), imports).exports
  const stock = (globalThis as unknown as { WebAssembly: typeof WebAssembly }).WebAssembly
  return { ours: instantiate(WebAssembly), stock: instantiate(stock) }
}

/** The result, or the class of the error. */
function outcome(f: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown {
  try {
    return f(...args)
  } catch (error) {
    return (error as Error).name
  }
}

const types = ['i32', 'i64', 'f32', 'f64'] as const

const plain: Record<(typeof types)[number], unknown> = { i32: 1, i64: 1n, f32: 1.5, f64: 1.5 }

const thrower = {
  valueOf() {
    throw new RangeError('valueOf throws')
  },
}

const values: readonly unknown[] = [
  ...[0, -0, 1, -1, 0.5, -1.5, NaN, Infinity, -Infinity, 2 ** 31, -(2 ** 31) - 1, 2 ** 32 + 5],
  ...[2 ** 53, 1e300, -1e300, 5e-324, 3.4028235677973366e38, 16777217, 0.1],
  ...[0n, 1n, -1n, 2n ** 63n, -(2n ** 63n) - 1n, 2n ** 64n + 7n, -(2n ** 200n) + 3n],
  ...[undefined, null, true, false, '', '12', ' 0x10 ', 'no number', Symbol('symbol'), [], [7], {}],
  ...[new Date(5), { valueOf: () => 9 }, { valueOf: () => 9n }, thrower],
]

for (const type of types) {
  test(`an ${type} is what it is in Node, whatever is passed`, (t) => {
    const { ours, stock } = both(
      `(module (func (export "f") (param ${type}) (result ${type}) (local.get 0)))`,
    )
    for (let i = 0; i < many; i++) t.is(ours.f!(plain[type]), plain[type])
    for (const value of values) {
      t.is(outcome(ours.f!, [value]), outcome(stock.f!, [value]))
    }
    t.is(outcome(ours.f!, []), outcome(stock.f!, []))
  })
}

test('every argument has its place, of every type, up to many', (t) => {
  for (const count of [1, 2, 3, 7, 8, 9, 10, 20]) {
    const parameters = Array.from({ length: count }, (_, i) => types[i % types.length]!)
    // Each gives one of them back.
    const { ours, stock } = both(
      `(module ${parameters
        .map(
          (type, i) =>
            `(func (export "get${i}") (param ${parameters.join(' ')}) (result ${type}) (local.get ${i}))`,
        )
        .join('\n')})`,
    )
    const args = parameters.map((type, i) => (type === 'i64' ? BigInt(-i - 1) : -i - 1))
    for (let i = 0; i < count; i++) {
      for (let k = 0; k < many; k++) ours[`get${i}`]!(...args)
      t.is(ours[`get${i}`]!(...args), args[i])
      t.is(ours[`get${i}`]!(...args, 'more', thrower), args[i])
      const few = args.slice(0, -1)
      t.is(outcome(ours[`get${i}`]!, few), outcome(stock[`get${i}`]!, few))
    }
  }
})

test('no result, and several', (t) => {
  const { ours } = both(`(module
    (func (export "none") (param i32))
    (func (export "nothing"))
    (func (export "swap") (param i32 i64) (result i64 i32) (local.get 1) (local.get 0)))`)
  for (let i = 0; i < many; i++) {
    t.is(ours.none!(i), undefined)
    t.is(ours.nothing!(), undefined)
    t.deepEqual(ours.swap!(i, 7n), [7n, i])
  }
})

test('arguments are converted once each, in sequence, and then the function is called', (t) => {
  const { ours } = both(
    '(module (func (export "f") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1))))',
  )
  for (let i = 0; i < many; i++) ours.f!(2, 1)
  const order: string[] = []
  const value = (name: string, number: number) => ({
    valueOf() {
      order.push(name)
      return ours.f!(number, 0)
    },
  })
  t.is(ours.f!(value('a', 5), value('b', 3)), 2)
  t.deepEqual(order, ['a', 'b'])
  t.is(ours.f!(7, value('c', 3)), 4)
  t.deepEqual(order, ['a', 'b', 'c'])
})

test('traps and exceptions pass through, also from below', (t) => {
  let act = (_: number): number => 0
  const { ours } = both(
    `(module
      (import "env" "act" (func $act (param i32) (result i32)))
      (func (export "act") (param i32) (result i32) (call $act (local.get 0)))
      (func (export "divide") (param i32 i32) (result i32)
        (i32.div_s (local.get 0) (local.get 1)))
      (func $deep (export "deep") (param i32) (result i32)
        (i32.add (i32.const 1) (call $deep (local.get 0)))))`,
    { env: { act: (n: number) => act(n) } },
  )
  for (let i = 0; i < many; i++) {
    ours.act!(i)
    ours.divide!(6, 3)
  }
  for (let i = 0; i < many; i++) {
    const trap = t.throws(() => ours.divide!(1, 0), { instanceOf: WebAssembly.RuntimeError })
    t.is(trap?.message, 'divide by zero')
    t.regex(String(trap?.stack), /wasm-function\[\d+\]/)
    t.throws(() => ours.deep!(1), { instanceOf: RangeError })
  }
  const error = new Error('mine')
  act = (n) => {
    if (n === 0) throw error
    return n === 1 ? (ours.divide!(1, 0) as number) : (ours.act!(n - 1) as number) + 1
  }
  t.is(outcome(ours.act!, [5]), 'RuntimeError')
  act = (n) => {
    if (n === 0) throw error
    return (ours.act!(n - 1) as number) + 1
  }
  t.is(
    t.throws(() => ours.act!(20)),
    error,
  )
  act = (n) => n
  t.is(ours.act!(3), 3)
  t.is(ours.divide!(6, 3), 2)
})

test('what another instance or JavaScript defines, exported again, is called as ever', (t) => {
  const { ours: inner } = both(
    '(module (func (export "f") (param i32) (result i32) (i32.add (local.get 0) (i32.const 1))))',
  )
  const text = `(module
    (import "env" "f" (func $f (param i32) (result i32)))
    (import "env" "g" (func $g (param i32) (result i32)))
    (export "f" (func $f)) (export "g" (func $g)))`
  const { f, g } = new WebAssembly.Instance(new WebAssembly.Module(wat(text)), {
    env: { f: inner.f, g: (n: number) => n * 2 },
  }).exports
  for (let i = 0; i < many; i++) {
    t.is(f(i), i + 1)
    t.is(g(i), i * 2)
  }
})

test('a function that was called often is still no constructor', (t) => {
  const { ours } = both('(module (func (export "f") (param i32) (result i32) (local.get 0)))')
  for (let i = 0; i < many; i++) ours.f!(i)
  t.throws(() => Reflect.construct(ours.f!, [1]), { instanceOf: TypeError })
})
