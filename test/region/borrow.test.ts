import { MessageChannel } from 'node:worker_threads'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { growableMemory } from '../support/growable-memory.ts'
import { growableSharedArrayBuffer, resizableArrayBuffer } from './variable-length-buffers.ts'

test('a whole ArrayBuffer is its own buffer', (t) => {
  const source = new ArrayBuffer(33)
  const region = HostRegion.from(source)
  t.is(region.byteLength, 33)
  t.is(region.buffer, source)
  t.is(region.subarray().buffer, source)
  region.view(Uint8Array)[32] = 5
  t.is(new Uint8Array(source)[32], 5)
})

test('a view lends the bytes that it shows', (t) => {
  const source = new Uint8Array(64).map((_, i) => i)
  const views = [
    source.subarray(3, 60),
    new DataView(source.buffer, 3, 57),
    Buffer.from(source.buffer, 3, 57),
  ]
  for (const view of views) {
    const region = HostRegion.from(view)
    t.is(region.byteLength, 57)
    t.deepEqual([...region.view(Uint8Array, 55)], [58, 59])
    t.deepEqual([...region.subarray(-2).view(Uint8Array)], [58, 59])
    region.view(Uint8Array)[0] = 99
    t.is(source[3], 99)
    source[3] = 3
  }
  const doubles = Float64Array.of(1, 2, 3)
  t.is(HostRegion.from(doubles).byteLength, 24)
  t.deepEqual(HostRegion.from(doubles).view(Float64Array), doubles)
})

test('a part of a borrowed buffer has no ArrayBuffer of its own', (t) => {
  const expected = { instanceOf: TypeError, message: /^buffer: .* use view\(Uint8Array\)$/ }
  t.throws(() => HostRegion.from(new ArrayBuffer(8)).subarray(1).buffer, expected)
  t.throws(() => HostRegion.from(new Uint8Array(8).subarray(1)).buffer, expected)
})

test('a short typed array, which an engine may keep inside its heap', (t) => {
  const bytes = Uint8Array.of(1, 2, 3)
  const region = HostRegion.from(bytes)
  for (let i = 0; i < 5; i++) void new Array(1e6).fill(i)
  region.view(Uint8Array)[1] = 20
  t.deepEqual([...bytes], [1, 20, 3])
})

test('empty buffers and empty views', (t) => {
  t.is(HostRegion.from(new ArrayBuffer(0)).byteLength, 0)
  t.is(HostRegion.from(new SharedArrayBuffer(0)).byteLength, 0)
  t.is(HostRegion.from(new Uint8Array(8).subarray(8)).view(Uint8Array).length, 0)
})

test('a SharedArrayBuffer, whole and in part', (t) => {
  const source = new SharedArrayBuffer(64)
  const region = HostRegion.from(source)
  t.is(region.buffer, source)
  region.subarray(60).view(Int32Array)[0] = -5
  t.is(new Int32Array(source)[15], -5)
  t.is(HostRegion.from(new Uint8Array(source, 10, 10)).byteLength, 10)
})

test('a growable SharedArrayBuffer is taken at its present length', (t) => {
  const source = growableSharedArrayBuffer(8, 64)
  const region = HostRegion.from(source)
  source.grow(64)
  t.is(region.byteLength, 8)
  t.throws(() => region.buffer, { instanceOf: TypeError })
  t.is(region.view(Uint8Array).length, 8)
  t.is(HostRegion.from(source).byteLength, 64)
})

test('a resizable ArrayBuffer is refused, however it presents itself', (t) => {
  const source = resizableArrayBuffer(8, 64)
  const disguised = resizableArrayBuffer(8, 64)
  Object.defineProperty(disguised, 'resizable', { value: false })
  for (const refused of [source, disguised, new Uint8Array(source), new DataView(source, 1)]) {
    t.throws(() => HostRegion.from(refused), { instanceOf: TypeError, message: /resizable/ })
  }
})

test('a detached ArrayBuffer is refused', (t) => {
  const source = new ArrayBuffer(8)
  const view = new Uint8Array(source)
  structuredClone(source, { transfer: [source] })
  t.throws(() => HostRegion.from(source), { instanceOf: TypeError, message: /detached/ })
  t.throws(() => HostRegion.from(view), { instanceOf: TypeError, message: /detached/ })
})

for (const source of [undefined, null, 1, 'bytes', [], {}, { byteLength: 8 }, () => 0]) {
  test(`from ${JSON.stringify(source) ?? typeof source} is refused`, (t) => {
    t.throws(() => HostRegion.from(source as unknown as ArrayBuffer), {
      instanceOf: TypeError,
      message: /^from: source must be an ArrayBuffer, a SharedArrayBuffer or a view of one; got /,
    })
  })
}

test('a borrowed ArrayBuffer cannot be transferred away by a message or a clone', (t) => {
  const source = new ArrayBuffer(8)
  const region = HostRegion.from(source)
  const { port1, port2 } = new MessageChannel()
  try {
    port1.postMessage(source, [source])
  } catch (error) {
    // Node 20 sends a copy, later ones throw.
    t.is((error as Error).name, 'DataCloneError')
  }
  try {
    structuredClone(source, { transfer: [source] })
  } catch (error) {
    t.is((error as Error).name, 'DataCloneError')
  }
  port1.close()
  port2.close()
  t.is(source.byteLength, 8)
  t.is(region.byteLength, 8)
})

test('a buffer that was detached all the same is noticed', (t) => {
  const memory = growableMemory()
  const source = memory.buffer
  const region = HostRegion.from(source)
  const part = region.subarray(8, 16)
  t.is(region.byteLength, 65_536)
  memory.grow(1)
  t.is(source.byteLength, 0)
  t.is(region.byteLength, 0)
  t.is(part.byteLength, 0)
  t.false(region.closed)
  const expected = { instanceOf: TypeError, message: /has been detached \(transferred\)$/ }
  t.throws(() => region.buffer, expected)
  t.throws(() => region.view(Uint8Array), expected)
  t.throws(() => region.subarray(1), expected)
  t.throws(() => part.view(Uint8Array), expected)
  region.close()
  t.true(region.closed)
})

test('the end of a region is not the end of what it borrowed', (t) => {
  const source = new ArrayBuffer(8)
  const region = HostRegion.from(source)
  const view = region.view(Uint8Array)
  region.close()
  t.is(source.byteLength, 8)
  t.is(view.length, 8)
  t.throws(() => region.buffer, {
    instanceOf: TypeError,
    message: 'buffer: the HostRegion is closed',
  })
})
