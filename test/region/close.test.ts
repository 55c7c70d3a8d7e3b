import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { HostRegion, openBackend } from 'v8-rawmem'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'
import { addressSpace, mappingOf, residentBytes } from './mapped-bytes.ts'

const GiB = 2 ** 30

type WithTransfer = ArrayBuffer & { transfer?: (length?: number) => ArrayBuffer }

test('a closed region has no bytes and takes no calls', (t) => {
  const region = HostRegion.allocate(100)
  t.false(region.closed)
  region.close()
  t.true(region.closed)
  t.is(region.byteLength, 0)
  const closed = (what: string) => ({
    instanceOf: TypeError,
    message: `${what}: the HostRegion is closed`,
  })
  t.throws(() => region.buffer, closed('buffer'))
  t.throws(() => region.subarray(0, 1), closed('subarray'))
  t.throws(() => region.view(Uint8Array), closed('view'))
})

test('close() may be called again', (t) => {
  const region = HostRegion.allocate(100)
  region.close()
  t.notThrows(() => region.close())
  t.notThrows(() => region[Symbol.dispose]())
})

test('using closes at the end of its block', (t) => {
  let kept: HostRegion
  {
    using region = HostRegion.allocate(100)
    kept = region
    t.false(kept.closed)
  }
  t.true(kept.closed)
})

test('the memory goes at once, with and without buffers handed out', (t) => {
  for (const touch of [false, true]) {
    const before = addressSpace()
    const region = HostRegion.allocate(300 * GiB)
    if (touch) {
      region.subarray(5, 6).view(Uint8Array)[0] = 1
      region.subarray(-1).view(Uint8Array)[0] = 1
    }
    t.true(addressSpace() - before > 299 * GiB)
    region.close()
    t.true(addressSpace() - before < GiB)
  }
})

test('every buffer handed out is detached, that of parts as well', (t) => {
  const region = HostRegion.allocate(1000)
  const parts = Array.from({ length: 100 }, (_, i) => region.subarray(i, i + 10))
  const buffers = [region.buffer, ...parts.map((part) => part.buffer)]
  const view = new Uint8Array(region.buffer, 5)
  region.close()
  t.true(buffers.every((buffer) => buffer.byteLength === 0))
  t.is(view.length, 0)
  t.is(view[0], undefined)
  t.true(parts.every((part) => part.closed && part.byteLength === 0))
})

test('the buffer of a part that is itself unreachable is detached as well', (t) => {
  const region = HostRegion.allocate(1000)
  const { buffer } = region.subarray(1, 2)
  region.close()
  t.is(buffer.byteLength, 0)
})

test('closing a part ends the part, not the memory', (t) => {
  using region = HostRegion.allocate(1000)
  const part = region.subarray(10, 20)
  const sibling = region.subarray(10, 20)
  const inner = part.subarray(1, 2)
  const { buffer } = part
  part.close()
  t.true(part.closed)
  t.is(part.byteLength, 0)
  t.is(buffer.byteLength, 0)
  t.throws(() => part.view(Uint8Array), { instanceOf: TypeError })
  t.false(region.closed)
  t.false(inner.closed)
  sibling.view(Uint8Array)[0] = 4
  t.is(region.view(Uint8Array)[10], 4)
})

test('a file map is gone from the process after close()', (t) => {
  const path = temporaryFile(t, patternBytes(100_000))
  const region = HostRegion.mapFile(path, { offset: 5000 })
  const bytes = region.view(Uint8Array)
  t.truthy(mappingOf(path))
  region.close()
  t.is(bytes.length, 0)
  t.falsy(mappingOf(path))
})

test('a buffer that was transferred shows zeros from then on', async (t) => {
  const region = HostRegion.allocate(1000)
  const buffer = region.buffer as WithTransfer
  new Uint8Array(buffer)[999] = 42
  if (buffer.transfer === undefined) {
    // This Node has no such method, and a message does not take the buffer along.
    const clone = structuredClone(buffer, { transfer: [buffer] })
    region.close()
    t.is(new Uint8Array(clone)[999], 42)
    return
  }
  const moved = buffer.transfer()
  t.is(buffer.byteLength, 0)
  t.is(new Uint8Array(moved)[999], 42)
  region.close()
  await nextTurn()
  t.is(new Uint8Array(moved)[999], 0)
  new Uint8Array(moved).fill(1)
})

test('after a transfer the region hands out a new buffer over the same bytes', (t) => {
  using region = HostRegion.allocate(1000)
  const buffer = region.buffer as WithTransfer
  if (buffer.transfer === undefined) {
    t.is(region.buffer, buffer)
    return
  }
  const moved = buffer.transfer()
  const again = region.buffer
  t.not(again, buffer)
  t.is(again.byteLength, 1000)
  new Uint8Array(again)[7] = 9
  t.is(new Uint8Array(moved)[7], 9)
})

test('the pages go at once, however many buffers were handed out and forgotten', (t) => {
  const before = residentBytes()
  const region = HostRegion.allocate(GiB / 2)
  region.view(Uint8Array).fill(1)
  // Node's own memory comes and goes meanwhile.
  t.true(residentBytes() - before > GiB / 4)
  for (let i = 0; i < 20_000; i++) region.subarray(i, i + 100).view(Uint8Array)[0] = i
  const filled = residentBytes()
  region.close()
  t.true(filled - residentBytes() > GiB / 4)
})

for (const name of ['patched', 'node-raw', 'node-rewire'] as const) {
  test(`${name}: what is attached by a buffer or view of a region keeps it open`, (t) => {
    const { HostRegion, setWasmInstanceRawMemory, WebAssembly } = openBackend(name)
    const page = 65_536
    const program = wat(`(module
      (memory 1)
      (func (export "load") (result i32) (i32.load8_u (i32.const 0))))`)
    const instance = new WebAssembly.Instance(new WebAssembly.Module(program))
    const region = HostRegion.allocate(3 * page, { shareable: true })
    region.view(Uint8Array).set([1, 2, 3].flatMap((value) => Array(page).fill(value)))
    const sources = [
      region.buffer,
      region.subarray(page, 2 * page).buffer,
      region.view(Uint8Array, 2 * page),
    ]
    for (const [i, source] of sources.entries()) {
      const same = HostRegion.from(source).subarray(0, page)
      setWasmInstanceRawMemory(instance, same)
      t.is(instance.exports.load(), i + 1)
      t.throws(() => region.close(), { message: /is attached to a WebAssembly instance/ })
      t.is(instance.exports.load(), i + 1)
      setWasmInstanceRawMemory(instance, null)
      same.close()
    }
    const part = HostRegion.from(region.view(Uint16Array, 10, 4))
    t.deepEqual([part.byteLength, part.view(Uint8Array)[0]], [8, 1])
    t.true(region.buffer.byteLength > 0)
    region.close()
    t.true(part.closed)
    t.throws(() => HostRegion.from(sources[0]!), { message: /detached/ })
  })
}
