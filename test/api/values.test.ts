import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

function instantiate(text: string, imports?: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports).exports
}

const identities = instantiate(`(module
  (func (export "i32") (param i32) (result i32) local.get 0)
  (func (export "i64") (param i64) (result i64) local.get 0)
  (func (export "f32") (param f32) (result f32) local.get 0)
  (func (export "f64") (param f64) (result f64) local.get 0)
  (func (export "externref") (param externref) (result externref) local.get 0)
  (func (export "funcref") (param funcref) (result funcref) local.get 0)
  (func (export "none")))`)

/** The same functions, but the value goes through an import and back. */
const through = (() => {
  const pass = (value: unknown) => value
  return instantiate(
    `(module ${['i32', 'i64', 'f32', 'f64', 'externref', 'funcref']
      .map(
        (type) =>
          `(import "env" "${type}" (func $${type} (param ${type}) (result ${type})))
           (func (export "${type}") (param ${type}) (result ${type}) local.get 0 call $${type})`,
      )
      .join('\n')
      // All imports come first.
      .replace(/([\s\S]*)/, (text) => {
        const lines = text.split('\n')
        const isImport = (line: string) => line.includes('(import')
        return [...lines.filter(isImport), ...lines.filter((line) => !isImport(line))].join('\n')
      })})`,
    { env: { i32: pass, i64: pass, f32: pass, f64: pass, externref: pass, funcref: pass } },
  )
})()

for (const [name, exports] of [
  ['an export', identities],
  ['an import', through],
] as const) {
  test(`i32 through ${name} wraps as the language says`, (t) => {
    for (const value of [0, 1, -1, 2 ** 31 - 1, -(2 ** 31)]) t.is(exports.i32(value), value)
    t.is(exports.i32(2 ** 32 + 5), 5)
    t.is(exports.i32(2 ** 31), -(2 ** 31))
    t.is(exports.i32(1.9), 1)
    t.is(exports.i32(Number.NaN), 0)
    t.is(exports.i32('12'), 12)
    t.is(exports.i32(true), 1)
    t.is(exports.i32(null), 0)
    t.is(exports.i32(), 0)
    t.is(exports.i32([7]), 7)
    t.is(exports.i32({ valueOf: () => 8 }), 8)
    t.is(exports.i32({ [Symbol.toPrimitive]: (hint: string) => (hint === 'number' ? 9 : 0) }), 9)
  })

  test(`i64 through ${name} is a bigint`, (t) => {
    for (const value of [0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n)]) t.is(exports.i64(value), value)
    t.is(exports.i64(2n ** 64n + 5n), 5n)
    t.is(exports.i64(2n ** 63n), -(2n ** 63n))
    t.is(exports.i64(-(2n ** 200n) - 3n), -3n)
    t.is(exports.i64('12'), 12n)
    t.is(exports.i64({ valueOf: () => 8n }), 8n)
    t.throws(() => exports.i64(1), { instanceOf: TypeError })
    t.throws(() => exports.i64(), { instanceOf: TypeError })
    t.throws(() => exports.i64('x'), { instanceOf: SyntaxError })
  })

  test(`f32 and f64 through ${name} keep what they can`, (t) => {
    for (const value of [0, -0, 1.5, -1e300, Number.POSITIVE_INFINITY, Number.NaN, 5e-324]) {
      t.is(exports.f64(value), value)
      t.is(exports.f32(value), Math.fround(value))
    }
    t.true(Number.isNaN(exports.f64({})))
  })

  test(`externref through ${name} keeps identity`, (t) => {
    const values = [
      {},
      [],
      () => 1,
      Symbol('s'),
      new Proxy({}, {}),
      Object.freeze({}),
      null,
      undefined,
      'text',
      'lone \ud800 surrogate',
      '',
      1.5,
      true,
      2n ** 100n,
      -(2n ** 100n),
      new Error('an error'),
      exports.i32,
      new WebAssembly.Memory({ initial: 0 }),
    ]
    for (const value of values) t.is(exports.externref(value), value)
    const { proxy, revoke } = Proxy.revocable({}, {})
    revoke()
    t.true(Object.is(exports.externref(proxy), proxy))
  })

  test(`funcref through ${name} takes exported functions only`, (t) => {
    t.is(exports.funcref(exports.i32), exports.i32)
    t.is(exports.funcref(null), null)
    for (const value of [() => 1, {}, 1, undefined]) {
      t.throws(() => exports.funcref(value), { instanceOf: TypeError })
    }
  })

  test(`a conversion that throws through ${name} throws that same value`, (t) => {
    const thrown = new Error('from valueOf')
    const value = {
      valueOf() {
        throw thrown
      },
    }
    for (const type of ['i32', 'i64', 'f32', 'f64']) {
      t.is(
        t.throws(() => exports[type](value)),
        thrown,
      )
    }
    t.throws(() => exports.i32(Symbol('s')), { instanceOf: TypeError })
    t.throws(() => exports.i32(1n), { instanceOf: TypeError })
    t.throws(() => exports.i32({ valueOf: () => ({}), toString: () => ({}) }), {
      instanceOf: TypeError,
    })
  })
}

test('a function without results gives undefined', (t) => {
  t.is(identities.none(), undefined)
})

test('several results are an array', (t) => {
  const { many } = instantiate(`(module (func (export "many") (result i32 i64 f32 f64 externref)
    i32.const 1 i64.const 2 f32.const 3.5 f64.const 4.5 ref.null extern))`)
  const results = many()
  t.true(Array.isArray(results))
  t.deepEqual(results, [1, 2n, 3.5, 4.5, null])
})

test('an import with several results returns an iterable', (t) => {
  let result: unknown
  const { f } = instantiate(
    `(module
      (import "env" "f" (func $f (result i32 i64 externref)))
      (func (export "f") (result i32 i64 externref) call $f))`,
    { env: { f: () => result } },
  )
  const object = {}
  result = [1, 2n, object]
  t.deepEqual(f(), [1, 2n, object])
  t.is(f()[2], object)
  result = new Set([1, 2n, object])
  t.deepEqual(f(), [1, 2n, object])
  result = (function* () {
    yield 1
    yield 2n
    yield object
  })()
  t.deepEqual(f(), [1, 2n, object])
  for (const wrong of [[1, 2n], [1, 2n, object, 4], 1, {}, null, undefined]) {
    result = wrong
    t.throws(f, { instanceOf: TypeError })
  }
  const thrown = new Error('from the iterator')
  result = {
    [Symbol.iterator]() {
      throw thrown
    },
  }
  t.is(t.throws(f), thrown)
})

test('more arguments than parameters are ignored, also when they cannot be converted', (t) => {
  t.is(identities.i32(1, Symbol('s'), 2n, identities), 1)
})

test('many parameters and results', (t) => {
  const count = 100
  const types = Array(count).fill('i32').join(' ')
  const gets = Array.from({ length: count }, (_, i) => `local.get ${i}`).join(' ')
  const { f } = instantiate(
    `(module
      (import "env" "g" (func $g (param ${types}) (result ${types})))
      (func (export "f") (param ${types}) (result ${types}) ${gets} call $g))`,
    { env: { g: (...args: number[]) => args.map((value) => value * 2) } },
  )
  const values = Array.from({ length: count }, (_, i) => i)
  t.deepEqual(
    f(...values),
    values.map((value) => value * 2),
  )
  // Arguments that are left out are undefined.
  t.is(f(1)[99], 0)
})

test('a string of millions of characters comes through', (t) => {
  const text = 'ä€😀'.repeat(1_000_000)
  t.is(identities.externref(text), text)
})

test('structs and arrays of the engine are opaque and come back as themselves', (t) => {
  // (type $point (struct (field i32)))
  // (func (export "make") (param i32) (result anyref) (struct.new $point (local.get 0)))
  // (func (export "get") (param anyref) (result i32) (struct.get $point 0 (ref.cast (ref $point) (local.get 0))))
  const bytes = Buffer.from(
    '0061736d01000000' +
      '010f035f017f0060017f016e60016e017f' +
      '0303020102' +
      '070e02046d616b6500000367657400' +
      '01' +
      '0a1502070020' +
      '00fb00000b0b002000fb1600fb0200000b',
    'hex',
  )
  const { make, get } = new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports
  const point = make(5)
  t.is(typeof point, 'object')
  t.is(Object.getPrototypeOf(point), null)
  t.false(Object.isExtensible(point))
  t.is(get(point), 5)
  t.is(get(make(6)), 6)
  t.throws(() => get({}), { instanceOf: WebAssembly.RuntimeError })
})
