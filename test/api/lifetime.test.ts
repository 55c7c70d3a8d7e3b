import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import {
  closeOnceCollected,
  collectGarbage,
  collectNow,
  collectUntil,
} from '../support/collect-garbage.ts'
import { wat } from '../support/wat.ts'

const pageSize = 65536
const MiB = 2 ** 20

const calling = new WebAssembly.Module(
  wat(`(module
    (import "env" "callback" (func $callback (result i32)))
    (memory (export "memory") 1)
    (table (export "table") 1 funcref)
    (global (export "global") (mut funcref) (ref.null func))
    (func (export "f") (result i32) (call $callback))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`),
)

/** The usual cycle: the import's closure refers to the instance. */
function cyclic(collected?: () => void): WebAssembly.Instance {
  const big = new Uint8Array(MiB).fill(1)
  const instance: WebAssembly.Instance = new WebAssembly.Instance(calling, {
    env: { callback: () => (instance.exports.f === undefined ? 0 : big.length) },
  })
  if (collected !== undefined) registry.register(instance, collected)
  return instance
}

const registry = new FinalizationRegistry<() => void>((collected) => collected())

test.serial('instances in a cycle with their imports are collected', async (t) => {
  let collected = 0
  const count = 300
  for (let i = 0; i < count; ++i) {
    t.is(cyclic(() => ++collected).exports.f(), MiB)
    if (i % 50 === 0) await collectGarbage()
  }
  t.true(await collectUntil(() => collected >= count - 5), `${collected} of ${count} collected`)
})

test.serial('memory stays bounded over thousands of cyclic instances', async (t) => {
  for (let i = 0; i < 200; ++i) cyclic()
  await collectGarbage()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 4000; ++i) {
    cyclic().exports.f()
    if (i % 100 === 0) await collectGarbage()
  }
  await collectGarbage()
  const growth = process.memoryUsage().rss - before
  t.true(growth < 200 * MiB, `grew by ${Math.round(growth / MiB)} MiB`)
})

test.serial('an exported function alone keeps its instance and imports alive', async (t) => {
  const { f } = cyclic().exports
  await collectGarbage()
  t.is(f(), MiB)
})

test.serial('a function in a table keeps its instance and imports alive', async (t) => {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  table.set(0, cyclic().exports.f)
  await collectGarbage()
  t.is(table.get(0)(), MiB)
})

test.serial('a function in a global keeps its instance and imports alive', async (t) => {
  const global = new WebAssembly.Global({ value: 'anyfunc', mutable: true })
  global.value = cyclic().exports.f
  await collectGarbage()
  t.is(global.value(), MiB)
})

test.serial('a function imported by another instance keeps its own alive', async (t) => {
  const wrapper = new WebAssembly.Module(
    wat(
      '(module (import "env" "f" (func $f (result i32))) (func (export "g") (result i32) call $f))',
    ),
  )
  const { g } = new WebAssembly.Instance(wrapper, { env: { f: cyclic().exports.f } }).exports
  await collectGarbage()
  t.is(g(), MiB)
})

test.serial('a function that code put into its table keeps its instance alive', async (t) => {
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module
        (import "env" "give" (func $give (result funcref)))
        (table 2 funcref)
        (type $t (func (result i32)))
        (func (export "take") (param funcref) (table.set 0 (i32.const 0) (local.get 0)))
        (func (export "fetch") (table.set 0 (i32.const 1) (call $give)))
        (func (export "call") (param i32) (result i32) (call_indirect (type $t) (local.get 0))))`),
    ),
    { env: { give: () => cyclic().exports.f } },
  )
  exports.take(cyclic().exports.f)
  exports.fetch()
  await collectGarbage()
  t.is(exports.call(0), MiB)
  t.is(exports.call(1), MiB)
})

test.serial('wrappers that were collected come back as new ones', async (t) => {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module
        (table (export "table") 1 funcref)
        (func $f (result i32) (i32.const 5))
        (elem (i32.const 0) $f))`),
    ),
  )
  const { table } = instance.exports
  t.is(table.get(0)(), 5)
  await collectGarbage()
  t.is(table.get(0)(), 5)
  t.is(table.get(0), table.get(0))
})

test.serial('a region lives as long as an instance is attached to it', async (t) => {
  const instance = cyclic()
  const attach = () => {
    const region = HostRegion.allocate(pageSize)
    region.view(Uint8Array)[3] = 33
    setWasmInstanceRawMemory(instance, region)
  }
  attach()
  await collectGarbage()
  t.is(instance.exports.load(3), 33)
})

test.serial('a borrowed buffer lives as long as an instance is attached to it', async (t) => {
  const { load } = (() => {
    const instance = cyclic()
    setWasmInstanceRawMemory(instance, HostRegion.from(new Uint8Array(pageSize).fill(44)))
    return instance.exports
  })()
  await collectGarbage()
  for (let i = 0; i < 100; ++i) new Uint8Array(pageSize).fill(1)
  await collectGarbage()
  t.is(load(3), 44)
})

test.serial(
  'a region can be closed when the instance that it was attached to is collected',
  async (t) => {
    const region = HostRegion.allocate(pageSize)
    ;(() => {
      const instance = cyclic()
      setWasmInstanceRawMemory(instance, region)
      t.throws(() => region.close())
    })()
    t.true(await closeOnceCollected(region))
  },
)

test.serial('a region closes once its instance is collected, finalized or not', async (t) => {
  const region = HostRegion.allocate(pageSize)
  const attach = () => {
    const instance = cyclic()
    setWasmInstanceRawMemory(instance, region)
    return new WeakRef(instance)
  }
  const collected = attach()
  // A new turn, for what WeakRef() keeps until its own ends; none after the collection, in which
  // the finalizer of the instance would run.
  await nextTurn()
  collectNow()
  t.is(collected.deref(), undefined)
  t.notThrows(() => region.close())
})

test.serial('regions are unmapped when they and their instance are gone', async (t) => {
  let collected = 0
  for (let i = 0; i < 50; ++i) {
    const region = HostRegion.allocate(64 * MiB)
    region.view(Uint8Array)[0] = 1
    registry.register(region, () => ++collected)
    setWasmInstanceRawMemory(cyclic(), region)
  }
  t.true(await collectUntil(() => collected >= 48), `${collected} of 50 collected`)
})

test.serial('objects passed as externref are released with what held them', async (t) => {
  const { pass } = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat('(module (func (export "pass") (param externref) (result externref) local.get 0))'),
    ),
  ).exports
  const before = process.memoryUsage().rss
  let collected = 0
  for (let i = 0; i < 200_000; ++i) {
    const object = { payload: new Array(50).fill(i) }
    if (i % 1000 === 0) registry.register(object, () => ++collected)
    pass(object)
    if (i % 10_000 === 0) await collectGarbage()
  }
  t.true(await collectUntil(() => collected >= 100), `${collected} of 200 collected`)
  const growth = process.memoryUsage().rss - before
  t.true(growth < 400 * MiB, `grew by ${Math.round(growth / MiB)} MiB`)
})

test.serial('modules, memories and tables without number are collected', async (t) => {
  const bytes = wat('(module (memory 16) (table 1000 funcref) (func (export "f")))')
  for (let i = 0; i < 100; ++i) new WebAssembly.Instance(new WebAssembly.Module(bytes))
  await collectGarbage()
  const before = process.memoryUsage().rss
  for (let i = 0; i < 3000; ++i) {
    const memory = new WebAssembly.Memory({ initial: 16 })
    new Uint8Array(memory.buffer)[0] = 1
    new WebAssembly.Table({ element: 'externref', initial: 1000 }, {})
    new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports.f()
    if (i % 100 === 0) await collectGarbage()
  }
  await collectGarbage()
  const growth = process.memoryUsage().rss - before
  t.true(growth < 200 * MiB, `grew by ${Math.round(growth / MiB)} MiB`)
})
