import test from 'ava'
import { ChunkFeeder, HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { growableMemory } from '../support/growable-memory.ts'
import { transfer } from '../support/transfer.ts'
import { compile, reader, stepper } from './programs.ts'

const pageSize = 65536

function regionOf(byteLength: number, value: number): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(byteLength)
  region.view(Uint8Array).fill(value)
  return region
}

function step(feeder: ChunkFeeder): WebAssembly.Instance {
  const instance = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  instance.exports.step()
  return instance
}

/** Whether buffers of regions can be taken away by this Node. */
function canTransfer(): boolean {
  const buffer = new ArrayBuffer(8)
  HostRegion.from(buffer)
  return transfer(buffer) !== undefined
}

test('the region cannot be closed while a window is mapped, only before and after', (t) => {
  const region = regionOf(1000, 1)
  const feeder = new ChunkFeeder(region, { windowSize: 100 })
  const instance = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  instance.exports.step()
  t.throws(() => region.close(), { message: /is attached to a WebAssembly instance/ })
  while (instance.exports.step() > 0);
  t.throws(() => region.close(), { message: /is attached/ })
  feeder.close()
  t.notThrows(() => region.close())
})

test('bind(null) lets go of the region, too', (t) => {
  const region = regionOf(1000, 1)
  const feeder = new ChunkFeeder(region)
  step(feeder)
  feeder.bind(null)
  t.notThrows(() => region.close())
})

test('a region that was closed before is noticed, not read', (t) => {
  const region = regionOf(1000, 1)
  const feeder = new ChunkFeeder(region)
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  region.close()
  t.throws(() => exports.step(), { instanceOf: TypeError, message: 'The HostRegion is closed' })
  feeder.rewind()
  t.throws(() => feeder.next(), { instanceOf: TypeError, message: 'The HostRegion is closed' })
})

test('setWasmInstanceRawMemory takes the place of a window, until next is called', (t) => {
  const region = regionOf(1000, 1)
  const other = regionOf(1000, 2)
  using feeder = new ChunkFeeder(region, { windowSize: 100 })
  const instance = step(feeder)
  const { exports } = instance
  setWasmInstanceRawMemory(instance, other)
  t.is(exports.load(500), 2)
  // The window is mapped no more.
  t.notThrows(() => region.subarray(0, 1))
  t.throws(() => other.close(), { message: /is attached/ })
  t.is(exports.step(), 100)
  t.is(exports.load(99), 1)
  t.is(feeder.position, 100)
  t.notThrows(() => other.close())
  setWasmInstanceRawMemory(instance, null)
  t.throws(() => exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  t.is(exports.step(), 100)
  t.is(exports.load(99), 1)
  t.is(feeder.position, 200)
})

test('a region whose window was replaced may be closed, and then next says so', (t) => {
  for (const replacement of [null, regionOf(1000, 2)]) {
    const region = regionOf(1000, 1)
    using feeder = new ChunkFeeder(region, { windowSize: 100 })
    const instance = step(feeder)
    setWasmInstanceRawMemory(instance, replacement)
    region.close()
    t.throws(() => instance.exports.step(), {
      instanceOf: TypeError,
      message: 'The HostRegion is closed',
    })
    if (replacement !== null) t.is(instance.exports.load(5), 2)
  }
})

test('the end does not touch a region that is closed by then', (t) => {
  const region = regionOf(100, 1)
  using feeder = new ChunkFeeder(region)
  const instance = step(feeder)
  setWasmInstanceRawMemory(instance, null)
  region.close()
  t.is(instance.exports.step(), 0)
})

test('an attachment that is refused leaves the window', (t) => {
  const region = regionOf(2 * pageSize, 1)
  using feeder = new ChunkFeeder(region)
  const instance = new WebAssembly.Instance(stepper({ minimum: 1 }), {
    env: { next: feeder.next },
  })
  instance.exports.step()
  t.throws(() => setWasmInstanceRawMemory(instance, regionOf(10, 2)), { instanceOf: RangeError })
  t.is(instance.exports.load(2 * pageSize - 1), 1)
  t.throws(() => region.close(), { message: /is attached/ })
})

test('of two feeders over one memory, the last one called is seen', (t) => {
  const left = regionOf(1000, 1)
  const right = regionOf(1000, 2)
  using first = new ChunkFeeder(left, { windowSize: 100 })
  using second = new ChunkFeeder(right, { windowSize: 100 })
  const instance = step(first)
  const { load } = instance.exports
  second.bind(instance)
  t.is(load(0), 1)
  t.is(second.next(), 100)
  t.is(load(0), 2)
  t.notThrows(() => left.close())
  t.throws(() => right.close(), { message: /is attached/ })
  // Closing the first one is none of the second one's business.
  first.close()
  t.is(load(0), 2)
  second.close()
  t.throws(() => load(0), { instanceOf: WebAssembly.RuntimeError })
})

test('a buffer that is taken away between two windows is noticed', (t) => {
  if (!canTransfer()) {
    t.pass('nothing takes it away')
    return
  }
  const buffer = new ArrayBuffer(1000)
  const region = HostRegion.from(buffer)
  const feeder = new ChunkFeeder(region, { windowSize: 100 })
  const instance = step(feeder)
  transfer(buffer)
  t.throws(() => instance.exports.step(), { instanceOf: TypeError, message: /transferred away/ })
  t.throws(() => instance.exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  t.throws(() => instance.exports.step(), { instanceOf: TypeError, message: /has been detached/ })
  t.throws(() => feeder.next(), { instanceOf: TypeError, message: /has been detached/ })
  t.notThrows(() => feeder.close())
  t.notThrows(() => region.close())
})

test('a buffer that is taken away by an import is noticed at once', (t) => {
  if (!canTransfer()) {
    t.pass('nothing takes it away')
    return
  }
  const buffer = new ArrayBuffer(1000)
  using feeder = new ChunkFeeder(HostRegion.from(buffer), { windowSize: 100 })
  let calls = 0
  const { exports } = new WebAssembly.Instance(reader(), {
    env: {
      next: feeder.next,
      seen: () => {
        if (++calls === 3) transfer(buffer)
      },
    },
  })
  t.throws(() => exports.run(), { instanceOf: TypeError, message: /transferred away/ })
  t.throws(() => exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  t.is(feeder.windows, 3)
})

for (const caller of ['a program', 'JavaScript'] as const) {
  test(`a buffer that is taken away by onProgress is noticed before the next window of ${caller}`, (t) => {
    if (!canTransfer()) {
      t.pass('nothing takes it away')
      return
    }
    const buffer = new ArrayBuffer(1000)
    using feeder = new ChunkFeeder(HostRegion.from(buffer), {
      windowSize: 100,
      onProgress: () => void transfer(buffer),
    })
    const { exports } = step(feeder)
    // Until a report is due.
    const begin = performance.now()
    while (performance.now() < begin + 130);
    const next = caller === 'JavaScript' ? () => feeder.next() : () => exports.step()
    t.throws(next, { instanceOf: TypeError, message: /transferred away/ })
    t.throws(() => exports.load(0), { instanceOf: WebAssembly.RuntimeError })
    t.is(feeder.windows, 1)
  })
}

test('a buffer that onProgress takes away as it throws is noticed by code that catches', (t) => {
  const memory = growableMemory()
  const { buffer } = memory
  new Uint8Array(buffer).fill(7)
  using feeder = new ChunkFeeder(HostRegion.from(buffer), {
    onProgress: () => {
      memory.grow(1)
      throw new Error('after')
    },
  })
  const module = compile(`(module
    (import "env" "next" (func $next (result i32)))
    (memory 0)
    (func (export "step") (result i32) (call $next))
    (func (export "loadAtEnd") (result i32)
      (try (do (drop (call $next))) (catch_all))
      (i32.load8_u (i32.const 0))))`)
  const { exports } = new WebAssembly.Instance(module, { env: { next: feeder.next } })
  t.is(exports.step(), pageSize)
  t.throws(() => exports.loadAtEnd(), { instanceOf: WebAssembly.RuntimeError })
})
