import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

function instantiate(text: string, imports?: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports).exports
}

test('exports are frozen and without a prototype', (t) => {
  const exports = instantiate('(module (func (export "f")) (func (export "__proto__")))')
  t.is(Object.getPrototypeOf(exports), null)
  t.true(Object.isFrozen(exports))
  t.deepEqual(Object.keys(exports), ['f', '__proto__'])
  t.throws(
    () => {
      exports.g = 1
    },
    { instanceOf: TypeError },
  )
})

test('an exported function is named by its index and has its number of parameters', (t) => {
  const { f } = instantiate('(module (func) (func (export "f") (param i32 i32 i64)))')
  t.is(f.name, '1')
  t.is(f.length, 3)
  t.is(typeof f, 'function')
  t.true(f instanceof Function)
})

test('an exported function is no constructor', (t) => {
  const { f } = instantiate('(module (func (export "f")))')
  t.throws(() => new f(), { instanceOf: TypeError })
})

test('a function has one identity, wherever it appears', (t) => {
  let received: unknown
  const exports = instantiate(
    `(module
      (import "env" "receive" (func $receive (param funcref)))
      (table (export "table") 2 funcref)
      (global (export "global") (mut funcref) (ref.null func))
      (func $f (export "f") (export "again"))
      (elem (i32.const 0) $f)
      (func (export "send") (call $receive (ref.func $f)))
      (func (export "return") (result funcref) (ref.func $f))
      (func (export "store") (global.set 0 (ref.func $f))))`,
    {
      env: {
        receive: (value: unknown) => {
          received = value
        },
      },
    },
  )
  const { f } = exports
  t.is(exports.again, f)
  t.is(exports.table.get(0), f)
  t.is(exports.return(), f)
  exports.send()
  t.is(received, f)
  exports.store()
  t.is(exports.global.value, f)
})

test('imported functions get their arguments, and undefined as this', (t) => {
  const calls: unknown[] = []
  const { f } = instantiate(
    `(module
      (import "env" "g" (func $g (param i32 i64 f64 externref) (result i32)))
      (func (export "f") (param externref) (result i32)
        (call $g (i32.const -1) (i64.const -2) (f64.const 0.5) (local.get 0))))`,
    {
      env: {
        g(this: unknown, ...args: unknown[]) {
          calls.push([this, ...args])
          return 2 ** 32 + 3
        },
      },
    },
  )
  const object = {}
  t.is(f(object), 3)
  t.deepEqual(calls, [[undefined, -1, -2n, 0.5, object]])
})

test('functions of one instance are imported by another without going through JavaScript', (t) => {
  const first = instantiate(
    '(module (func (export "add") (param i32 i32) (result i32) local.get 0 local.get 1 i32.add))',
  )
  const second = instantiate(
    `(module
      (import "first" "add" (func $add (param i32 i32) (result i32)))
      (export "add" (func $add))
      (func (export "f") (result i32) (call $add (i32.const 40) (i32.const 2))))`,
    { first },
  )
  t.is(second.f(), 42)
  t.is(second.add, first.add)
})

test('an import is re-exported as a function of the engine', (t) => {
  const g = (x: number) => x + 1
  const { g: exported } = instantiate(
    '(module (import "env" "g" (func $g (param i32) (result i32))) (export "g" (func $g)))',
    { env: { g } },
  )
  t.not(exported, g)
  t.is(exported(1), 2)
})

test('import getters run once each, in the order of the module', (t) => {
  const reads: string[] = []
  const namespace = (name: string) =>
    new Proxy(
      {},
      {
        get(_, key) {
          reads.push(`${name}.${String(key)}`)
          return () => {}
        },
      },
    )
  const imports = {
    get b() {
      reads.push('b')
      return namespace('b')
    },
    get a() {
      reads.push('a')
      return namespace('a')
    },
  }
  instantiate(
    '(module (import "b" "y" (func)) (import "a" "x" (func)) (import "b" "x" (func)))',
    imports as never,
  )
  t.deepEqual(reads, ['b', 'b.y', 'a', 'a.x', 'b', 'b.x'])
})

test('imports that do not fit are a LinkError that names them', (t) => {
  const cases: [string, unknown][] = [
    ['(func)', 1],
    ['(func)', undefined],
    ['(memory 1)', {}],
    ['(memory 2)', new WebAssembly.Memory({ initial: 1 })],
    ['(table 1 funcref)', new WebAssembly.Memory({ initial: 1 })],
    ['(global i32)', 'text'],
    ['(global i64)', 1],
    ['(global (mut i32))', 1],
  ]
  for (const [type, value] of cases) {
    t.throws(
      () =>
        instantiate(`(module (import "env" "thing" ${type}))`, { env: { thing: value } } as never),
      {
        instanceOf: WebAssembly.LinkError,
        message: /Import #0 "env" "thing"/,
      },
    )
  }
})

test('missing import objects are a TypeError', (t) => {
  const text = '(module (import "env" "f" (func)))'
  t.throws(() => instantiate(text), { instanceOf: TypeError, message: /Imports argument/ })
  t.throws(() => instantiate(text, {}), { instanceOf: TypeError, message: /"env"/ })
  t.throws(() => instantiate(text, { env: 1 } as never), {
    instanceOf: TypeError,
    message: /"env"/,
  })
  t.throws(() => instantiate(text, 1 as never), {
    instanceOf: TypeError,
    message: /must be an object/,
  })
})

test('the start function runs, and can call imports', (t) => {
  const calls: number[] = []
  instantiate(
    '(module (import "env" "f" (func $f (param i32))) (func $start (call $f (i32.const 7))) (start $start))',
    { env: { f: (x: number) => calls.push(x) } },
  )
  t.deepEqual(calls, [7])
})

test('tables hold functions of several instances', (t) => {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 3, maximum: 10 })
  const make = (value: number) =>
    instantiate(`(module (func (export "f") (result i32) i32.const ${value}))`).f
  table.set(0, make(10))
  table.set(1, make(20))
  t.is(table.get(1)(), 20)
  t.is(table.get(2), null)
  const { call } = instantiate(
    `(module
      (import "env" "table" (table 3 funcref))
      (type $t (func (result i32)))
      (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`,
    { env: { table } },
  )
  t.is(call(0), 10)
  t.is(call(1), 20)
  t.throws(() => call(2), { instanceOf: WebAssembly.RuntimeError })
  t.throws(() => call(3), { instanceOf: WebAssembly.RuntimeError })
  t.is(table.grow(2, make(30)), 3)
  t.is(table.length, 5)
  t.is(call(4), 30)
  t.throws(() => table.grow(100), { instanceOf: RangeError })
  t.throws(() => table.get(5), { instanceOf: RangeError })
  t.throws(() => table.set(5, null), { instanceOf: RangeError })
  t.throws(() => table.set(0, () => {}), { instanceOf: TypeError })
  table.set(0)
  t.is(table.get(0), null)
})

test('tables of anything hold anything', (t) => {
  const object = {}
  const table = new WebAssembly.Table({ element: 'externref', initial: 2 }, object)
  t.is(table.get(0), object)
  t.is(table.get(1), object)
  table.set(1)
  t.is(table.get(1), undefined)
})

test('globals are read and written', (t) => {
  const counter = new WebAssembly.Global({ value: 'i32', mutable: true }, 5)
  const { increment } = instantiate(
    `(module
      (import "env" "counter" (global (mut i32)))
      (func (export "increment") (global.set 0 (i32.add (global.get 0) (i32.const 1)))))`,
    { env: { counter } },
  )
  increment()
  t.is(counter.value, 6)
  counter.value = 41
  increment()
  t.is(counter.value, 42)
  t.is(counter.valueOf(), 42)
  const constant = new WebAssembly.Global({ value: 'i64' }, 5n)
  t.is(constant.value, 5n)
  t.throws(
    () => {
      constant.value = 6n
    },
    { instanceOf: TypeError },
  )
  t.throws(() => new WebAssembly.Global({ value: 'i65' as never }), { instanceOf: TypeError })
  const object = {}
  t.is(new WebAssembly.Global({ value: 'externref' }, object).value, object)
  t.is(new WebAssembly.Global({ value: 'externref' }).value, undefined)
})

test('calls nest, both ways, many levels deep', (t) => {
  const exports: WebAssembly.Exports = instantiate(
    `(module
      (import "env" "down" (func $down (param i32) (result i32)))
      (func (export "down") (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0))
          (then (i32.const 0))
          (else (i32.add (i32.const 1) (call $down (i32.sub (local.get 0) (i32.const 1))))))))`,
    { env: { down: (n: number) => exports.down(n) } },
  )
  t.is(exports.down(100), 100)
})
