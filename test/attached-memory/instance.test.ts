// What only setWasmInstanceRawMemory() does. What it does on every backend is in
// ../backends/features/.
import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'
import { pageSize } from './tier.ts'

function instance(text: string): WebAssembly.Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)))
}

const accessor = `(module (memory 1)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`

function patterned(byteLength: number, seed = 1): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(byteLength)
  const view = region.view(Uint8Array)
  for (let i = 0; i < byteLength; ++i) view[i] = i * 31 + seed
  return region
}

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

test('bad arguments are named, with what would be right', (t) => {
  const instance_ = instance(accessor)
  const region = patterned(pageSize)
  const attach = setWasmInstanceRawMemory as (...args: unknown[]) => void
  // biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
  const { Instance, Module } = (globalThis as any).WebAssembly
  for (const wrong of [
    undefined,
    null,
    1,
    {},
    instance_.exports,
    new WebAssembly.Module(wat('(module)')),
    new Instance(new Module(wat(accessor))),
  ]) {
    t.throws(() => attach(wrong, region), {
      instanceOf: TypeError,
      message: /^instance must be .*made by the WebAssembly of v8-rawmem/,
    })
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
