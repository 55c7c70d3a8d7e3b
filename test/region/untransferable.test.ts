import { markAsUntransferable } from 'node:worker_threads'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'

// From Node 24 on, the mark keeps everybody who does not know its key from detaching the buffer.

test('a region closes, and takes its buffer along, though that is marked as untransferable', (t) => {
  const region = HostRegion.allocate(100)
  const { buffer } = region
  const bytes = region.view(Uint8Array, 1)
  markAsUntransferable(buffer)
  region.close()
  t.true(region.closed)
  t.is(buffer.byteLength, 0)
  t.is(bytes.length, 0)
  t.is(bytes[0], undefined)
})

test('so does a part of a region', (t) => {
  using region = HostRegion.allocate(100)
  const part = region.subarray(1)
  const { buffer } = part
  markAsUntransferable(buffer)
  part.close()
  t.true(part.closed)
  t.is(buffer.byteLength, 0)
  t.false(region.closed)
})

test('so do regions whose buffers are borrowed in turn', (t) => {
  for (const byteLength of [0, 100]) {
    const region = HostRegion.allocate(byteLength)
    const { buffer } = region
    const borrowed = HostRegion.from(buffer)
    region.close()
    t.is(buffer.byteLength, 0)
    t.is(borrowed.byteLength, 0)
    if (byteLength > 0) t.throws(() => borrowed.view(Uint8Array), { instanceOf: TypeError })
  }
})
