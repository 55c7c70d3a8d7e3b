// What only memory.attach() and `{ host }` do. What they do on every backend is in
// ../backends/features/.
import { constants } from 'node:buffer'
import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { aligned } from '../support/alignment.ts'
import { closeOnceCollected, collectUntil } from '../support/collect-garbage.ts'
import { transfer } from '../support/transfer.ts'
import { wat } from '../support/wat.ts'
import { pageSize } from './tier.ts'

const GiB = 2 ** 30

function accessorOf(memory: WebAssembly.Memory, minimum: number | string = 0): WebAssembly.Exports {
  const address = typeof minimum === 'string' ? 'i64' : 'i32'
  const module = new WebAssembly.Module(
    wat(`(module
      (import "env" "memory" (memory ${minimum}))
      (func (export "load") (param ${address}) (result i32) (i32.load8_u (local.get 0)))
      (func (export "store") (param ${address} i32) (i32.store8 (local.get 0) (local.get 1))))`),
  )
  return new WebAssembly.Instance(module, { env: { memory } }).exports
}

function filled(byteLength: number, byte: number): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(byteLength)
  region.view(Uint8Array).fill(byte)
  return region
}

test('buffer aliases the region, and is detached when another is attached', (t) => {
  const region = filled(5000, 1)
  const memory = new WebAssembly.Memory({ initial: 1 })
  const own = memory.buffer
  new Uint8Array(own)[3] = 33
  memory.attach(region)
  t.is(own.byteLength, 0)
  const { buffer } = memory
  t.true(buffer instanceof ArrayBuffer)
  t.is(memory.buffer, buffer)
  t.is(buffer.byteLength, 5000)
  // Its own, so that the region's outlives it.
  t.not(buffer, region.buffer)
  new Uint8Array(buffer)[4999] = 2
  t.is(region.view(Uint8Array)[4999], 2)
  memory.attach(region.subarray(aligned(4999)))
  t.is(buffer.byteLength, 0)
  t.is(memory.buffer.byteLength, 5000 - aligned(4999))
  t.is(new Uint8Array(memory.buffer).at(-1), 2)
  memory.attach(null)
  t.is(memory.buffer.byteLength, pageSize)
  t.is(new Uint8Array(memory.buffer)[3], 33)
  t.is(region.buffer.byteLength, 5000)
})

test('a buffer that JavaScript moves away does not take the region along', (t) => {
  const region = filled(100, 1)
  const memory = new WebAssembly.Memory({ host: region })
  const { store } = accessorOf(memory)
  const moved = transfer(memory.buffer)
  t.is(memory.buffer.byteLength, 100)
  store(5, 55)
  t.is(new Uint8Array(moved ?? memory.buffer)[5], 55)
  memory.attach(null)
  region.close()
  // What was moved on is not known here: it stays, and shows zeros.
  if (moved !== undefined) t.is(new Uint8Array(moved)[5], 0)
})

test('a memory on a borrowed ArrayBuffer has that as its buffer', (t) => {
  const source = new ArrayBuffer(1000)
  const memory = new WebAssembly.Memory({ host: HostRegion.from(source) })
  const { store } = accessorOf(memory)
  store(999, 7)
  t.is(memory.buffer, source)
  t.is(new Uint8Array(source)[999], 7)
  memory.attach(HostRegion.from(new Uint8Array(source, 100, 200)))
  store(0, 8)
  t.is(new Uint8Array(source)[100], 8)
  t.throws(() => memory.buffer, { instanceOf: TypeError, message: /part of a borrowed buffer/ })
  memory.attach(null)
  t.is(source.byteLength, 1000)
})

test('a memory that is larger than an ArrayBuffer has none', (t) => {
  if (constants.MAX_LENGTH > 2 ** 45) {
    t.pass('an ArrayBuffer of this Node holds all that can be mapped')
    return
  }
  const region = HostRegion.allocate(constants.MAX_LENGTH + pageSize)
  const memory = new WebAssembly.Memory({ host: region, address: 'i64' })
  t.throws(() => memory.buffer, {
    instanceOf: RangeError,
    message: new RegExp(`the memory has ${region.byteLength} bytes.*0 to ${constants.MAX_LENGTH}`),
  })
  const { load } = accessorOf(memory, 'i64 0')
  t.is(load(BigInt(region.byteLength - 1)), 0)
  memory.attach(region.subarray(0, 10))
  t.is(memory.buffer.byteLength, 10)
})

test('a module that declares all 4 GiB has the last byte of such a region', (t) => {
  const region = HostRegion.allocate(4 * GiB)
  region.subarray(4 * GiB - 1).view(Uint8Array)[0] = 3
  const { load } = accessorOf(new WebAssembly.Memory({ host: region }), 65536)
  t.is(load(-1), 3)
})

test('an empty region is an empty memory', (t) => {
  const memory = new WebAssembly.Memory({ host: HostRegion.allocate(0) })
  const { load } = accessorOf(memory)
  t.is(memory.buffer.byteLength, 0)
  t.is(memory.buffer, memory.buffer)
  t.throws(() => load(0), { instanceOf: WebAssembly.RuntimeError })
})

test('while attached, grow() is a RangeError that says what to do', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  memory.attach(filled(pageSize, 1))
  for (const delta of [0, 1]) {
    t.throws(() => memory.grow(delta), { instanceOf: RangeError, message: /attach\(null\)/ })
  }
  memory.attach(null)
  t.is(memory.grow(1), 1)
  memory.attach(filled(10, 1))
  memory.attach(null)
  t.is(memory.buffer.byteLength, 2 * pageSize)
})

test('the largest minimum that a module declares counts, and a refusal leaves the buffer', (t) => {
  const memory = new WebAssembly.Memory({ initial: 2 })
  const loads = [1, 2].map((minimum) => accessorOf(memory, minimum).load)
  for (const [region, byte] of [
    [null, 0],
    [filled(2 * pageSize, 4), 4],
  ] as const) {
    memory.attach(region)
    const { buffer } = memory
    t.throws(() => memory.attach(HostRegion.allocate(2 * pageSize - 1)), {
      instanceOf: RangeError,
      message: /^region must have at least 131072 bytes \(2 pages\)/,
    })
    t.is(memory.buffer, buffer)
    t.is(buffer.byteLength, 2 * pageSize)
    for (const load of loads) t.is(load(9), byte)
  }
})

test('a memory cannot go back to less than a declared minimum', (t) => {
  const memory = new WebAssembly.Memory({ host: filled(3 * pageSize, 6), initial: 1 })
  const { load } = accessorOf(memory, 3)
  t.throws(() => memory.attach(null), {
    instanceOf: RangeError,
    message:
      /has 65536 bytes \(1 pages\) of its own.*minimum of 196608 bytes.*initial: 3.*got null/,
  })
  t.is(load(5), 6)
  const enough = new WebAssembly.Memory({ host: filled(3 * pageSize, 6), initial: 3 })
  const exports = accessorOf(enough, 3)
  enough.attach(null)
  t.is(exports.load(5), 0)
})

test('a memory takes no host beyond the reach of its addresses', (t) => {
  const region = HostRegion.allocate(4 * GiB + 1)
  t.throws(() => new WebAssembly.Memory({ host: region }), {
    instanceOf: RangeError,
    message: /must have no more bytes than addresses .*4294967296.*got 4294967297/,
  })
  t.notThrows(() => new WebAssembly.Memory({ host: region.subarray(1) }))
  t.notThrows(() => new WebAssembly.Memory({ host: region, address: 'i64' }))
})

test('bad arguments are named, with what would be right', (t) => {
  const Memory = WebAssembly.Memory as unknown as new (descriptor: unknown) => WebAssembly.Memory
  for (const host of [null, 1, {}, new ArrayBuffer(10), Object.create(HostRegion.prototype)]) {
    t.throws(() => new Memory({ host }), {
      instanceOf: TypeError,
      message: /^host must be a HostRegion; got/,
    })
  }
  const memory = new Memory({ initial: 1 })
  const attach = (...args: unknown[]) => Reflect.apply(memory.attach, memory, args)
  t.throws(() => attach(), { instanceOf: TypeError, message: /^region must be .*null to detach/ })
  for (const wrong of [1, {}, new Uint8Array(10), Object.create(HostRegion.prototype)]) {
    t.throws(() => attach(wrong), { instanceOf: TypeError, message: /^region must be/ })
  }
  const closed = HostRegion.allocate(10)
  closed.close()
  t.throws(() => attach(closed), { instanceOf: TypeError, message: /^region: .*closed/ })
  t.throws(() => new Memory({ host: closed }), {
    instanceOf: TypeError,
    message: /^host: .*closed/,
  })
  t.throws(() => new Memory({ host: HostRegion.allocate(1), initial: -1 }), {
    instanceOf: TypeError,
    message: /'initial'/,
  })
  t.throws(() => new Memory({ host: HostRegion.allocate(1), shared: true }), {
    instanceOf: TypeError,
    message: /shared/,
  })
  for (const receiver of [undefined, {}, HostRegion.allocate(1), Memory.prototype]) {
    t.throws(() => Reflect.apply(memory.attach, receiver, [null]), {
      instanceOf: TypeError,
      message: /Receiver is not a WebAssembly.Memory/,
    })
  }
  t.is(memory.buffer.byteLength, pageSize)
})

test('null where nothing is attached does nothing', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { buffer } = memory
  memory.attach(null)
  t.is(memory.buffer, buffer)
})

test('an attached region cannot be closed, nor the whole that it is a part of', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const whole = filled(1000, 1)
  memory.attach(whole.subarray(aligned(10), 20))
  const { buffer } = memory
  const attached = { message: /attached/ }
  t.throws(() => whole.close(), attached)
  const next = filled(1000, 2)
  memory.attach(next)
  t.notThrows(() => whole.close())
  t.is(buffer.byteLength, 0)
  const second = new WebAssembly.Memory({ host: next })
  memory.attach(null)
  t.throws(() => next.close(), attached)
  second.attach(null)
  t.notThrows(() => next.close())
  t.is(memory.buffer.byteLength, pageSize)
})

test('a region that a memory has left is unmapped at close, though its buffer was looked at', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  for (let i = 0; i < 50; ++i) {
    const region = filled(4 << 20, i)
    memory.attach(region)
    t.is(new Uint8Array(memory.buffer)[1], i)
    memory.attach(null)
    region.close()
  }
  t.true(process.memoryUsage().rss < 4 * GiB)
})

test('the memory keeps a region that nothing else refers to', async (t) => {
  const memory = new WebAssembly.Memory({ host: filled(1 << 20, 7) })
  const borrowing = new WebAssembly.Memory({
    host: HostRegion.from(new Uint8Array(1 << 20).fill(8)),
  })
  const first = accessorOf(memory)
  const second = accessorOf(borrowing)
  const probe = new WeakRef(filled(1 << 20, 1))
  t.true(await collectUntil(() => probe.deref() === undefined))
  // What was freed would be taken again by these.
  const others = Array.from({ length: 20 }, () => filled(1 << 20, 9))
  t.is(others.length, 20)
  t.is(first.load((1 << 20) - 1), 7)
  t.is(second.load((1 << 20) - 1), 8)
})

test('a memory that is collected releases its region', async (t) => {
  const region = HostRegion.allocate(GiB)
  let exports: WebAssembly.Exports | undefined = accessorOf(
    new WebAssembly.Memory({ host: region }),
  )
  exports.store(5, 1)
  t.throws(() => region.close(), { message: /attached/ })
  exports = undefined
  t.true(await closeOnceCollected(region))
})

test('memories and regions that are dropped do not pile up', async (t) => {
  const before = process.memoryUsage().rss
  for (let i = 0; i < 30; ++i) {
    // 64 MiB of real memory each.
    const memory = new WebAssembly.Memory({ host: filled(64 << 20, i) })
    t.is(accessorOf(memory).load(i), i)
    await new Promise(setImmediate)
  }
  const limit = before + 1.25 * GiB
  t.true(await collectUntil(() => process.memoryUsage().rss < limit))
})
