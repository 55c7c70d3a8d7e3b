import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const pageSize = 65536

function instance(text: string, imports?: WebAssembly.Imports): WebAssembly.Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports)
}

const accessor = `(module
  (memory (export "memory") 1 2)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "size") (result i32) memory.size)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`

function patterned(byteLength: number, seed = 1): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(byteLength)
  const view = region.view(Uint8Array)
  for (let i = 0; i < byteLength; ++i) view[i] = i * 31 + seed
  return region
}

test('an instance reads and writes the bytes of the region', (t) => {
  const region = patterned(2 * pageSize)
  const instance_ = instance(accessor)
  const { load, store, size } = instance_.exports
  store(7, 200)
  setWasmInstanceRawMemory(instance_, region)
  const view = region.view(Uint8Array)
  for (const address of [0, 1, 12345, 2 * pageSize - 1]) t.is(load(address), view[address])
  store(9, 99)
  t.is(view[9], 99)
  view[10] = 100
  t.is(load(10), 100)
  t.is(size(), 2)
  setWasmInstanceRawMemory(instance_, null)
  t.is(load(7), 200)
  t.is(load(9), 0)
  t.is(size(), 1)
})

test('the exported memory and its buffer stay what they are', (t) => {
  const region = patterned(pageSize)
  const instance_ = instance(accessor)
  const { memory, load } = instance_.exports
  const { buffer } = memory
  new Uint8Array(buffer)[5] = 55
  setWasmInstanceRawMemory(instance_, region)
  t.is(memory.buffer, buffer)
  t.is(new Uint8Array(memory.buffer)[5], 55)
  t.is(load(5), region.view(Uint8Array)[5])
})

test('other instances of the module, and of the memory, are not affected', (t) => {
  const region = patterned(pageSize)
  const module = new WebAssembly.Module(wat(accessor))
  const first = new WebAssembly.Instance(module)
  const second = new WebAssembly.Instance(module)
  setWasmInstanceRawMemory(first, region)
  t.is(first.exports.load(3), region.view(Uint8Array)[3])
  t.is(second.exports.load(3), 0)

  const memory = new WebAssembly.Memory({ initial: 1 })
  const text = `(module (import "env" "memory" (memory 1))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`
  const third = instance(text, { env: { memory } })
  const fourth = instance(text, { env: { memory } })
  setWasmInstanceRawMemory(third, region)
  t.is(third.exports.load(3), region.view(Uint8Array)[3])
  t.is(fourth.exports.load(3), 0)
})

test('memory.grow fails while attached, and works again afterwards', (t) => {
  const instance_ = instance(accessor)
  setWasmInstanceRawMemory(instance_, patterned(pageSize))
  t.is(instance_.exports.grow(1), -1)
  t.is(instance_.exports.size(), 1)
  setWasmInstanceRawMemory(instance_, null)
  t.is(instance_.exports.grow(1), 1)
  t.is(instance_.exports.size(), 2)
})

test('a memory that grows elsewhere leaves the attached region in place', (t) => {
  const region = patterned(pageSize)
  const instance_ = instance(accessor)
  const { memory, load, size } = instance_.exports
  setWasmInstanceRawMemory(instance_, region)
  memory.grow(1)
  t.is(size(), 1)
  t.is(load(77), region.view(Uint8Array)[77])
  setWasmInstanceRawMemory(instance_, null)
  t.is(size(), 2)
})

test('memory.size gives whole pages, rounded down', (t) => {
  const instance_ = instance(accessor)
  for (const [bytes, pages] of [
    [pageSize, 1],
    [2 * pageSize - 1, 1],
    [2 * pageSize, 2],
    [5 * pageSize + 1, 5],
  ] as const) {
    setWasmInstanceRawMemory(instance_, patterned(bytes))
    t.is(instance_.exports.size(), pages)
  }
})

test('null where nothing is attached does nothing', (t) => {
  const instance_ = instance(accessor)
  t.notThrows(() => setWasmInstanceRawMemory(instance_, null))
  t.notThrows(() => setWasmInstanceRawMemory(instance_, null, 0))
  t.is(instance_.exports.load(0), 0)
})

test('each memory of a module is attached on its own', (t) => {
  const instance_ = instance(`(module
    (memory 1) (memory 1) (memory 1)
    (func (export "load0") (param i32) (result i32) (i32.load8_u 0 (local.get 0)))
    (func (export "load1") (param i32) (result i32) (i32.load8_u 1 (local.get 0)))
    (func (export "load2") (param i32) (result i32) (i32.load8_u 2 (local.get 0)))
    (func (export "copy") (memory.copy 0 1 (i32.const 0) (i32.const 0) (i32.const 100)))
    (func (export "fill") (memory.fill 2 (i32.const 0) (i32.const 7) (i32.const 10)))
    (func (export "size1") (result i32) (memory.size 1)))`)
  const first = patterned(3 * pageSize, 5)
  const second = patterned(2 * pageSize, 9)
  const { load0, load1, load2, copy, fill, size1 } = instance_.exports
  setWasmInstanceRawMemory(instance_, first, 1)
  t.deepEqual([load0(1), load1(1), load2(1)], [0, first.view(Uint8Array)[1], 0])
  t.is(size1(), 3)
  copy()
  t.is(load0(99), first.view(Uint8Array)[99])
  setWasmInstanceRawMemory(instance_, second, 2)
  fill()
  t.is(second.view(Uint8Array)[9], 7)
  t.is(load1(2), first.view(Uint8Array)[2])
  setWasmInstanceRawMemory(instance_, null, 1)
  t.is(load1(1), 0)
  t.is(load2(9), 7)
})

test('bulk operations work on the region, up to its last byte', (t) => {
  const length = pageSize + 3
  const instance_ = instance(`(module (memory 1)
    (data $d "abc")
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32) (memory.init $d (local.get 0) (i32.const 0) (i32.const 3))))`)
  const region = HostRegion.allocate(length)
  const view = region.view(Uint8Array)
  setWasmInstanceRawMemory(instance_, region)
  const { fill, copy, init } = instance_.exports
  fill(length - 2, 5, 2)
  t.deepEqual([...view.subarray(length - 3)], [0, 5, 5])
  init(length - 3)
  t.deepEqual([...view.subarray(length - 3)], [97, 98, 99])
  copy(0, length - 3, 3)
  t.deepEqual([...view.subarray(0, 3)], [97, 98, 99])
  for (const beyond of [
    () => fill(length - 2, 5, 3),
    () => init(length - 2),
    () => copy(0, length - 2, 3),
    () => copy(length - 2, 0, 3),
  ]) {
    t.throws(beyond, { instanceOf: WebAssembly.RuntimeError, message: /out of bounds/ })
  }
  t.deepEqual([...view.subarray(length - 3)], [97, 98, 99])
})

test('a region in the middle of memory has its address 0 there', (t) => {
  const whole = patterned(10 * pageSize)
  const instance_ = instance(accessor)
  for (const offset of [1, 4095, 65537]) {
    const part = whole.subarray(offset, offset + 2 * pageSize)
    setWasmInstanceRawMemory(instance_, part)
    t.is(instance_.exports.load(0), whole.view(Uint8Array)[offset])
    instance_.exports.store(1, 250)
    t.is(whole.view(Uint8Array)[offset + 1], 250)
  }
})

test('borrowed buffers are read in place', (t) => {
  const bytes = new Uint8Array(2 * pageSize).fill(4)
  const instance_ = instance(accessor)
  setWasmInstanceRawMemory(instance_, HostRegion.from(bytes.subarray(100)))
  t.is(instance_.exports.load(0), 4)
  instance_.exports.store(0, 5)
  t.is(bytes[100], 5)
  const shared = new Uint8Array(new SharedArrayBuffer(pageSize)).fill(6)
  setWasmInstanceRawMemory(instance_, HostRegion.from(shared))
  t.is(instance_.exports.load(0), 6)
})

test('a region that is too small for the declared minimum is refused, and nothing changes', (t) => {
  const instance_ = instance(`(module (memory 3)
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`)
  const region = patterned(3 * pageSize)
  setWasmInstanceRawMemory(instance_, region)
  for (const size of [0, 1, pageSize, 3 * pageSize - 1]) {
    t.throws(() => setWasmInstanceRawMemory(instance_, HostRegion.allocate(size)), {
      instanceOf: RangeError,
      message: `region must have at least 196608 bytes (3 pages), the minimum that the module declares for memory 0; got ${size}`,
    })
  }
  t.is(instance_.exports.load(5), region.view(Uint8Array)[5])
  setWasmInstanceRawMemory(instance_, null)
  t.throws(() => setWasmInstanceRawMemory(instance_, HostRegion.allocate(1)))
  t.is(instance_.exports.load(5), 0)
})

test('a region beyond 4 GiB is refused by a 32-bit memory', (t) => {
  const instance_ = instance(accessor)
  const region = HostRegion.allocate(2 ** 32 + 1)
  t.throws(() => setWasmInstanceRawMemory(instance_, region), {
    instanceOf: RangeError,
    message: /4294967296.*got 4294967297/,
  })
  t.notThrows(() => setWasmInstanceRawMemory(instance_, region.subarray(1)))
})

test('an empty region suits a memory that may be empty', (t) => {
  const instance_ = instance(`(module (memory 0)
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "fill") (memory.fill (i32.const 0) (i32.const 1) (i32.const 0)))
    (func (export "size") (result i32) memory.size))`)
  const region = HostRegion.allocate(10)
  for (const empty of [HostRegion.allocate(0), region.subarray(5, 5), region.subarray(10)]) {
    setWasmInstanceRawMemory(instance_, empty)
    t.is(instance_.exports.size(), 0)
    t.throws(() => instance_.exports.load(0), { instanceOf: WebAssembly.RuntimeError })
    t.notThrows(() => instance_.exports.fill())
  }
})

test('bad arguments are named, with what would be right', (t) => {
  const instance_ = instance(accessor)
  const region = patterned(pageSize)
  const attach = setWasmInstanceRawMemory as (...args: unknown[]) => void
  for (const wrong of [
    undefined,
    null,
    1,
    {},
    instance_.exports,
    new WebAssembly.Module(wat('(module)')),
  ]) {
    t.throws(() => attach(wrong, region), { instanceOf: TypeError, message: /^instance must be/ })
  }
  for (const wrong of [undefined, 1, {}, new ArrayBuffer(pageSize), new Uint8Array(pageSize)]) {
    t.throws(() => attach(instance_, wrong), { instanceOf: TypeError, message: /^region must be/ })
  }
  for (const wrong of ['0', null, {}, 0n]) {
    t.throws(() => attach(instance_, region, wrong), {
      instanceOf: TypeError,
      message: /^memoryIndex must be a number/,
    })
  }
  for (const wrong of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 32, 1, 99_999]) {
    t.throws(() => attach(instance_, region, wrong), {
      instanceOf: RangeError,
      message: /^memoryIndex must be .*got/,
    })
    t.throws(() => attach(instance_, null, wrong), { instanceOf: RangeError })
  }
  const closed = HostRegion.allocate(pageSize)
  closed.close()
  t.throws(() => attach(instance_, closed), { instanceOf: TypeError, message: /closed/ })
  t.is(instance_.exports.load(0), 0)
})

test('an instance without a memory has none to replace', (t) => {
  const instance_ = instance('(module)')
  t.throws(() => setWasmInstanceRawMemory(instance_, patterned(pageSize)), {
    instanceOf: RangeError,
    message: 'memoryIndex must be the index of a memory of the instance; got 0',
  })
})

test('an instance of the global namespace is refused', (t) => {
  // biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
  const { Instance, Module } = (globalThis as any).WebAssembly
  t.throws(
    () => setWasmInstanceRawMemory(new Instance(new Module(wat(accessor))), patterned(pageSize)),
    {
      instanceOf: TypeError,
      message: /made by the WebAssembly of v8-rawmem/,
    },
  )
})

test('a 64-bit memory takes more than 4 GiB', (t) => {
  const instance_ = instance(`(module (memory i64 1)
    (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
    (func (export "size") (result i64) memory.size))`)
  const length = 20 * 2 ** 30 + 3
  const region = HostRegion.allocate(length)
  region.subarray(length - 1).view(Uint8Array)[0] = 77
  setWasmInstanceRawMemory(instance_, region)
  const { load, size } = instance_.exports
  t.is(load(BigInt(length - 1)), 77)
  t.is(load(0n), 0)
  t.throws(() => load(BigInt(length)), { instanceOf: WebAssembly.RuntimeError })
  t.is(size(), BigInt(Math.floor(length / pageSize)))
})

test('an attached region cannot be closed, nor the whole that it is a part of', (t) => {
  const instance_ = instance(accessor)
  const whole = patterned(4 * pageSize)
  const part = whole.subarray(pageSize)
  setWasmInstanceRawMemory(instance_, part)
  const attached = { message: /attached/ }
  t.throws(() => whole.close(), attached)
  t.is(instance_.exports.load(0), whole.view(Uint8Array)[pageSize])
  const next = patterned(pageSize, 77)
  setWasmInstanceRawMemory(instance_, next)
  t.notThrows(() => whole.close())
  t.throws(() => next.close(), attached)
  setWasmInstanceRawMemory(instance_, null)
  t.notThrows(() => next.close())
})

test('a region attached twice is released by the second release', (t) => {
  const instance_ = instance('(module (memory 1) (memory 1))')
  const region = patterned(pageSize)
  setWasmInstanceRawMemory(instance_, region, 0)
  setWasmInstanceRawMemory(instance_, region, 1)
  setWasmInstanceRawMemory(instance_, region, 1)
  setWasmInstanceRawMemory(instance_, null, 0)
  t.throws(() => region.close())
  setWasmInstanceRawMemory(instance_, null, 1)
  t.notThrows(() => region.close())
})
