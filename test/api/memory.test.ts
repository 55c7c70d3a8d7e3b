import { constants } from 'node:buffer'
import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

function instantiate(text: string, imports?: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports).exports
}

const pageSize = 65536

const growing = `(module
  (import "env" "look" (func $look))
  (memory (export "memory") 1 100)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "growAndLook") (drop (memory.grow (i32.const 1))) (call $look))
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1))))`

test('buffer aliases the memory', (t) => {
  const { memory, load, store } = instantiate(growing, { env: { look: () => {} } })
  t.true(memory.buffer instanceof ArrayBuffer)
  t.is(memory.buffer.byteLength, pageSize)
  const words = new Int32Array(memory.buffer)
  words[3] = 77
  t.is(load(12), 77)
  store(16, 88)
  t.is(words[4], 88)
})

test('buffer is the same object until the memory grows', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 5 })
  const { buffer } = memory
  t.is(memory.buffer, buffer)
  t.is(memory.grow(2), 1)
  t.not(memory.buffer, buffer)
  t.is(buffer.byteLength, 0)
  t.is(memory.buffer.byteLength, 3 * pageSize)
  const second = memory.buffer
  t.is(memory.grow(0), 3)
  t.not(memory.buffer, second)
  t.is(second.byteLength, 0)
})

test('views are detached when WebAssembly code grows the memory', (t) => {
  const { memory, grow } = instantiate(growing, { env: { look: () => {} } })
  const view = new Uint8Array(memory.buffer)
  view[5] = 55
  t.is(grow(1), 1)
  t.is(view.length, 0)
  t.is(new Uint8Array(memory.buffer)[5], 55)
  t.is(memory.buffer.byteLength, 2 * pageSize)
})

test('views are detached before an import of the code that grew the memory runs', (t) => {
  let lengths: number[] = []
  const exports: WebAssembly.Exports = instantiate(growing, {
    env: {
      look: () => {
        lengths = [view.length, exports.memory.buffer.byteLength]
      },
    },
  })
  const view = new Uint8Array(exports.memory.buffer)
  exports.growAndLook()
  t.deepEqual(lengths, [0, 2 * pageSize])
})

test('a memory is shared by the instances that import it', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 10 })
  const text = `(module
    (import "env" "memory" (memory 1))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "size") (result i32) memory.size))`
  const first = instantiate(text, { env: { memory } })
  const second = instantiate(text, { env: { memory } })
  new Uint8Array(memory.buffer)[100] = 9
  t.is(first.load(100), 9)
  memory.grow(3)
  new Uint8Array(memory.buffer)[4 * pageSize - 1] = 8
  t.is(second.load(4 * pageSize - 1), 8)
  t.is(first.size(), 4)
  const reexported = instantiate(
    '(module (import "env" "memory" (memory 1)) (export "m" (memory 0)))',
    {
      env: { memory },
    },
  )
  t.is(reexported.m, memory)
})

test('an empty memory has an empty buffer', (t) => {
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 1 })
  t.is(memory.buffer.byteLength, 0)
  t.is(memory.buffer, memory.buffer)
  t.is(memory.grow(1), 0)
  t.is(memory.buffer.byteLength, pageSize)
})

test('memory that cannot grow throws a RangeError', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 2 })
  t.throws(() => memory.grow(2), { instanceOf: RangeError })
  t.is(memory.buffer.byteLength, pageSize)
})

test('descriptors are checked', (t) => {
  for (const descriptor of [
    undefined,
    null,
    1,
    {},
    { initial: -1 },
    { initial: 65537 },
    { initial: 2, maximum: 1 },
  ]) {
    const error = t.throws(() => new WebAssembly.Memory(descriptor as never))
    t.true(error instanceof TypeError || error instanceof RangeError, String(error))
  }
  const thrown = new Error('from a getter')
  t.is(
    t.throws(
      () =>
        new WebAssembly.Memory({
          get initial(): number {
            throw thrown
          },
        }),
    ),
    thrown,
  )
  t.is(new WebAssembly.Memory({ initial: '2' as never }).buffer.byteLength, 2 * pageSize)
  t.is(
    new WebAssembly.Memory({ initial: { valueOf: () => 3 } as never }).buffer.byteLength,
    3 * pageSize,
  )
})

test('shared memory is refused', (t) => {
  t.throws(() => new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }), {
    instanceOf: TypeError,
    message: /shared between threads is not supported/,
  })
})

test('the buffer cannot be transferred away', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { buffer } = memory
  try {
    // Node 20 makes a copy, later ones throw.
    structuredClone(buffer, { transfer: [buffer] })
  } catch {}
  t.is(buffer.byteLength, pageSize)
  t.is(memory.buffer, buffer)
})

test('a buffer that is transferred within the thread leaves the memory with a new one', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const buffer: ArrayBuffer & { transfer?: () => ArrayBuffer } = memory.buffer
  new Uint8Array(buffer)[0] = 5
  const moved = buffer.transfer?.()
  t.is(memory.buffer.byteLength, pageSize)
  t.is(new Uint8Array(memory.buffer)[0], 5)
  memory.grow(1)
  t.is(memory.buffer.byteLength, 2 * pageSize)
  if (moved !== undefined) t.is(new Uint8Array(moved)[0], 5)
})

test('a memory of 4 GiB has a buffer where Node allows one', (t) => {
  const memory = new WebAssembly.Memory({ initial: 65536 })
  if (constants.MAX_LENGTH >= 2 ** 32) {
    const view = new Uint8Array(memory.buffer, 2 ** 32 - 10)
    view[9] = 99
    t.is(memory.buffer.byteLength, 2 ** 32)
  } else {
    t.throws(() => memory.buffer, { instanceOf: RangeError, message: /4294967296/ })
  }
  // Growing to that size has to work as well, and this is the same memory in the end.
  t.throws(() => memory.grow(1), { instanceOf: RangeError })
})

test('a 64-bit memory is counted in bigints', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1n, maximum: 10n, address: 'i64' })
  t.is(memory.grow(1n), 1n)
  t.is(memory.buffer.byteLength, 2 * pageSize)
  const { load } = instantiate(
    '(module (import "env" "memory" (memory i64 1)) (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0))))',
    { env: { memory } },
  )
  new Uint8Array(memory.buffer)[pageSize] = 5
  t.is(load(BigInt(pageSize)), 5)
  t.throws(() => load(BigInt(2 * pageSize)), { instanceOf: WebAssembly.RuntimeError })
})

test('the buffer outlives memory and instance', (t) => {
  const view = new Uint8Array(new WebAssembly.Memory({ initial: 16 }).buffer)
  view.fill(3)
  const others = Array.from({ length: 50 }, () => new WebAssembly.Memory({ initial: 16 }))
  t.is(others.length, 50)
  t.true(view.every((byte) => byte === 3))
})
