import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { collectUntil } from '../support/collect-garbage.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { addressSpace, mappingOf, residentBytes } from './mapped-bytes.ts'

const GiB = 2 ** 30

test.serial('an unreachable region is unmapped', async (t) => {
  const before = addressSpace()
  for (let i = 0; i < 10; i++) HostRegion.allocate(500 * GiB)
  t.true(await collectUntil(() => addressSpace() - before < 100 * GiB))
})

test.serial('an unreachable region is unmapped although buffers were handed out', async (t) => {
  const path = temporaryFile(t, patternBytes(50_000))
  const use = () => {
    const region = HostRegion.mapFile(path)
    const part = region.subarray(100, 200)
    return part.view(Uint8Array)[0]! + region.view(Uint8Array)[0]!
  }
  use()
  t.truthy(mappingOf(path))
  t.true(await collectUntil(() => mappingOf(path) === undefined))
})

test.serial('a buffer alone keeps the memory', async (t) => {
  const path = temporaryFile(t, patternBytes(50_000))
  let bytes: Uint8Array | undefined = HostRegion.mapFile(path).subarray(7).view(Uint8Array)
  t.false(await collectUntil(() => mappingOf(path) === undefined))
  t.deepEqual(bytes, patternBytes(50_000).subarray(7))
  bytes = undefined
  t.true(await collectUntil(() => mappingOf(path) === undefined))
})

test.serial('a part alone keeps the memory', async (t) => {
  const path = temporaryFile(t, patternBytes(50_000))
  let part: HostRegion | undefined = HostRegion.mapFile(path).subarray(7)
  t.false(await collectUntil(() => mappingOf(path) === undefined))
  t.is(part.view(Uint8Array)[0], patternBytes(8)[7])
  part = undefined
  t.true(await collectUntil(() => mappingOf(path) === undefined))
})

test.serial('a borrowed ArrayBuffer lives as long as the region, no longer', async (t) => {
  let source: ArrayBuffer | undefined = new ArrayBuffer(100_000)
  new Uint8Array(source).fill(77)
  const weak = new WeakRef(source)
  let region: HostRegion | undefined = HostRegion.from(source)
  source = undefined
  t.false(await collectUntil(() => weak.deref() === undefined))
  t.true(region.view(Uint8Array).every((byte) => byte === 77))
  region = undefined
  t.true(await collectUntil(() => weak.deref() === undefined))
})

test.serial('close() lets a borrowed ArrayBuffer go', async (t) => {
  let source: ArrayBuffer | undefined = new ArrayBuffer(100_000)
  const weak = new WeakRef(source)
  const region = HostRegion.from(source)
  source = undefined
  region.close()
  t.true(await collectUntil(() => weak.deref() === undefined))
  t.true(region.closed)
})

test.serial('regions nobody closes do not pile up', async (t) => {
  // 40 times 128 MiB, touched throughout: without collection that were 5 GiB.
  const before = residentBytes()
  let most = 0
  for (let i = 0; i < 40; i++) {
    HostRegion.allocate(GiB / 8)
      .view(Uint8Array)
      .fill(1)
    most = Math.max(most, residentBytes() - before)
    await nextTurn()
  }
  t.true(most < 1.5 * GiB, `${most} bytes at most`)
})
