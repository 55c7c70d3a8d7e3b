import test, { type ExecutionContext } from 'ava'
import {
  deserializeModule,
  HostRegion,
  openBackend,
  serializeModule,
  setWasmInstanceRawMemory,
  WebAssembly,
} from 'v8-rawmem'
import { wat } from '../support/wat.ts'

type Namespace = typeof WebAssembly

const one = wat(`(module
  (memory (export "memory") 1)
  (table (export "table") 2 funcref)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "growTable") (param i32) (result i32)
    (table.grow (ref.null func) (local.get 0))))`)

/** Grows by one until that fails. */
function size(grow: (delta: number) => number): number {
  for (;;) if (grow(1) === -1) return grow(0)
}

function checkOne(t: ExecutionContext, { Module, Instance }: Namespace): void {
  const limits = { memoryPages: 10, tableEntries: 20 }
  const { exports } = new Instance(new Module(one, { limits }))
  t.is(size(exports.grow), 10)
  t.is(size(exports.growTable), 20)
  t.is(exports.memory.buffer.byteLength, 10 * 65_536)
  t.throws(() => exports.memory.grow(1), { instanceOf: RangeError })
  t.throws(() => exports.table.grow(1), { instanceOf: RangeError })
}

test('neither the program nor JavaScript grows a memory or table beyond its limit', (t) => {
  checkOne(t, WebAssembly)
})

for (const name of ['node-raw', 'node-rewire'] as const) {
  test(`the same with ${name}`, (t) => {
    checkOne(t, openBackend(name).WebAssembly)
  })
}

test('each way to compile keeps the limits', async (t) => {
  const options = { limits: { memoryPages: 3 } }
  const response = () =>
    new Response(Uint8Array.from(one), { headers: { 'content-type': 'application/wasm' } })
  const first = new WebAssembly.Module(one, options)
  const modules = [
    first,
    await WebAssembly.compile(one, options),
    (await WebAssembly.instantiate(one, {}, options)).module,
    await WebAssembly.compileStreaming(response(), options),
    (await WebAssembly.instantiateStreaming(response(), {}, options)).module,
  ]
  const { exports } = new WebAssembly.Instance(first)
  t.is(size(exports.grow), 3)
  modules.push(deserializeModule(serializeModule(first), one, options))
  for (const module of modules) t.is(size(new WebAssembly.Instance(module).exports.grow), 3)
  // Not the module that it was made of.
  t.throws(() => deserializeModule(serializeModule(first), one), { instanceOf: TypeError })
  t.true(WebAssembly.validate(one, options))
})

test('a module that begins with more is refused', (t) => {
  const refused = (limits: object, message: string) =>
    t.throws(() => new WebAssembly.Module(one, { limits }), { instanceOf: RangeError, message })
  refused(
    { memoryPages: 0 },
    'WebAssembly.Module(): options.limits.memoryPages is 0, but the module begins with 1 pages',
  )
  refused(
    { tableEntries: 1 },
    'WebAssembly.Module(): options.limits.tableEntries is 1, but the module begins with 2 elements',
  )
  t.notThrows(() => new WebAssembly.Module(one, { limits: { memoryPages: 1, tableEntries: 2 } }))
})

test('all memories together keep the limit, the first ones first', (t) => {
  const bytes = wat(`(module
    (memory (export "a") 1)
    (memory (export "b") 2 4)
    (memory (export "c") 3))`)
  const sizes = (memoryPages: number) => {
    const module = new WebAssembly.Module(bytes, { limits: { memoryPages } })
    const { exports } = new WebAssembly.Instance(module)
    return ['b', 'a', 'c'].map((name) => {
      for (;;) {
        try {
          exports[name].grow(1)
        } catch {
          return exports[name].buffer.byteLength / 65_536
        }
      }
    })
  }
  t.deepEqual(sizes(6), [2, 1, 3])
  t.deepEqual(sizes(8), [2, 3, 3])
  t.throws(() => sizes(5), { instanceOf: RangeError })
})

test('a declared maximum below the limit stays', (t) => {
  const bytes = wat(`(module
    (memory 1 3)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`)
  for (const memoryPages of [3, 4, 65_536, 65_537, Number.MAX_SAFE_INTEGER]) {
    const module = new WebAssembly.Module(bytes, { limits: { memoryPages } })
    t.is(size(new WebAssembly.Instance(module).exports.grow), 3)
  }
})

test('limits larger than anything change nothing', (t) => {
  const most = Number.MAX_SAFE_INTEGER
  const module = new WebAssembly.Module(one, { limits: { memoryPages: most, tableEntries: most } })
  t.is(new WebAssembly.Instance(module).exports.grow(100), 1)
})

test('64-bit memories', (t) => {
  const bytes = wat(`(module
    (memory i64 1)
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))`)
  const module = new WebAssembly.Module(bytes, { limits: { memoryPages: 4 } })
  const { exports } = new WebAssembly.Instance(module)
  t.is(exports.grow(3n), 1n)
  t.is(exports.grow(1n), -1n)
})

test('what is imported counts, and must not be able to grow further', (t) => {
  const bytes = wat(`(module
    (import "env" "memory" (memory 1))
    (import "env" "table" (table 1 externref))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`)
  const module = new WebAssembly.Module(bytes, { limits: { memoryPages: 5, tableEntries: 7 } })
  const instantiate = (maximum?: number, entries?: number) =>
    new WebAssembly.Instance(module, {
      env: {
        memory: new WebAssembly.Memory({ initial: 1, ...(maximum && { maximum }) }),
        table: new WebAssembly.Table({
          element: 'externref',
          initial: 1,
          ...(entries && { maximum: entries }),
        }),
      },
    }).exports
  t.is(size(instantiate(5, 7).grow), 5)
  t.is(size(instantiate(4, 7).grow), 4)
  for (const [maximum, entries] of [
    [undefined, 7],
    [6, 7],
    [5, undefined],
    [5, 8],
  ]) {
    t.throws(() => instantiate(maximum, entries), { instanceOf: WebAssembly.LinkError })
  }
})

test('tables with initial values are understood', (t) => {
  const tables = [
    // (table 1 funcref (ref.null func))
    [0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b],
    // (table 1 (ref i31) (ref.i31 (i32.add (i32.const 1) (i32.const 2))))
    [0x40, 0, 0x64, 0x6c, 0, 1, 0x41, 1, 0x41, 2, 0x6a, 0xfb, 28, 0x0b],
  ].flat()
  const bytes = Uint8Array.of(
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[4, tables.length + 1, 2, ...tables],
    // Exported as "a" and "b".
    ...[7, 9, 2, 1, 0x61, 1, 0, 1, 0x62, 1, 1],
  )
  t.true(WebAssembly.validate(bytes))
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(bytes, { limits: { tableEntries: 12 } }),
  )
  t.is(exports.b.get(0), 3)
  t.throws(() => exports.b.grow(1, 5), { instanceOf: RangeError })
  t.is(exports.a.grow(10), 1)
  t.throws(() => exports.a.grow(1), { instanceOf: RangeError })
})

test('bytes that are no module are the error of the engine', (t) => {
  const limits = { memoryPages: 1 }
  for (const bytes of [Uint8Array.of(), one.subarray(0, 20), one.subarray(0, one.length - 1)]) {
    const error = t.throws(() => new WebAssembly.Module(bytes))
    t.throws(() => new WebAssembly.Module(bytes, { limits }), {
      instanceOf: WebAssembly.CompileError,
      message: error?.message as string,
    })
  }
})

test('limits that are none are refused', (t) => {
  for (const limits of [1, null, 'x']) {
    t.throws(() => new WebAssembly.Module(one, { limits: limits as unknown as object }), {
      instanceOf: TypeError,
      message: /options.limits must be an object/,
    })
  }
  for (const memoryPages of [-1, 1.5, Number.NaN]) {
    t.throws(() => new WebAssembly.Module(one, { limits: { memoryPages } }), {
      instanceOf: RangeError,
      message: /options.limits.memoryPages must be an integer from 0/,
    })
  }
})

test('a misspelt limit is refused, and so is none', async (t) => {
  for (const { WebAssembly } of [openBackend('patched'), openBackend('node-rewire')]) {
    const compile = (limits: object) => new WebAssembly.Module(one, { limits })
    const refused = (limits: object, message: string) =>
      t.throws(() => compile(limits), { instanceOf: TypeError, message })
    const none = 'options.limits must have one of memoryPages, tableEntries'
    refused({}, none)
    refused({ memoryPages: undefined }, none)
    const misspelt = `${none}; got 'memoryPage'`
    refused({ memoryPage: 3 }, misspelt)
    refused({ memoryPage: 3, tableEntries: 3 }, misspelt)
    await t.throwsAsync(WebAssembly.compile(one, { limits: {} }), {
      instanceOf: TypeError,
      message: none,
    })
    t.notThrows(() => compile({ memoryPages: undefined, tableEntries: 3 }))
  }
})

test('a region may still be attached', (t) => {
  const bytes = wat(`(module
    (memory 1)
    (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))`)
  const region = HostRegion.allocate(20 * 65_536)
  new Int32Array(region.buffer)[300_000] = 77
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(bytes, { limits: { memoryPages: 1 } }),
  )
  setWasmInstanceRawMemory(instance, region)
  t.is(instance.exports.load(1_200_000), 77)
})
