import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Worker } from 'node:worker_threads'
import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { aligned } from '../support/alignment.ts'
import { runScript } from '../support/run-script.ts'
import { startWorker } from '../support/start-worker.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'
import { mappingOf } from './mapped-bytes.ts'

const GiB = 2 ** 30
const script = new URL('./share-worker.ts', import.meta.url)
const loads = wat(`(module
  (memory 0)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`)

async function message(worker: Worker): Promise<unknown> {
  return (await once(worker, 'message'))[0]
}

/** Bytes that a worker found in the region, before it added 1 to each. */
async function addInWorker(region: HostRegion): Promise<Uint8Array> {
  const worker = startWorker(script, { task: 'add', shared: region.share() })
  const [seen] = (await Promise.all([message(worker), once(worker, 'exit')])) as [Uint8Array, []]
  return seen
}

const incremented = (bytes: Uint8Array) => bytes.map((byte) => byte + 1)

test('another thread works on the bytes of an allocation', async (t) => {
  using region = HostRegion.allocate(100_000)
  region.view(Uint8Array).set(patternBytes(100_000))
  t.deepEqual(await addInWorker(region), patternBytes(100_000))
  t.deepEqual(region.view(Uint8Array), incremented(patternBytes(100_000)))
})

test('another thread works on the bytes of a file, that of both kinds of maps', async (t) => {
  const content = patternBytes(100_000)
  for (const writable of [false, true]) {
    const path = temporaryFile(t, content)
    const offset = aligned(5001)
    using region = HostRegion.mapFile(path, { offset, writable })
    t.deepEqual(await addInWorker(region), content.subarray(offset))
    const changed = incremented(content.subarray(offset))
    t.deepEqual(region.view(Uint8Array), changed)
    const inFile = new Uint8Array(readFileSync(path)).subarray(offset)
    t.deepEqual(inFile, writable ? changed : content.subarray(offset))
  }
})

test('another thread works on the bytes of a SharedArrayBuffer, growable or not', async (t) => {
  for (const options of [undefined, { maxByteLength: 1_000_000 }]) {
    // The compiler's library does not know the option yet.
    const SharedBuffer = SharedArrayBuffer as new (
      length: number,
      options?: object,
    ) => SharedArrayBuffer
    const source = new SharedBuffer(100_000, options)
    new Uint8Array(source).set(patternBytes(100_000))
    using region = HostRegion.from(new Uint8Array(source, 10, 50_000))
    t.deepEqual(await addInWorker(region), patternBytes(50_010).subarray(10))
    const expected = patternBytes(100_000)
    expected.set(incremented(expected.subarray(10, 50_010)), 10)
    t.deepEqual(new Uint8Array(source), expected)
  }
})

test('a part shares its own bytes, also a part of a part', async (t) => {
  using region = HostRegion.allocate(10_000)
  region.view(Uint8Array).set(patternBytes(10_000))
  const part = region.subarray(100, 9000).subarray(11, 511)
  t.deepEqual(await addInWorker(part), patternBytes(611).subarray(111))
  const expected = patternBytes(10_000)
  expected.set(incremented(expected.subarray(111, 611)), 111)
  t.deepEqual(region.view(Uint8Array), expected)
})

test('a part far out in a large region, and an empty one', async (t) => {
  using region = HostRegion.allocate(100 * GiB)
  const part = region.subarray(90 * GiB + 1, 90 * GiB + 4)
  part.view(Uint8Array).set([1, 2, 3])
  t.deepEqual(await addInWorker(part), new Uint8Array([1, 2, 3]))
  t.deepEqual(part.view(Uint8Array), new Uint8Array([2, 3, 4]))
  t.is((await addInWorker(region.subarray(7, 7))).length, 0)
})

test('a region at an address is shared as any other', async (t) => {
  const path = temporaryFile(t, patternBytes(4096))
  using file = HostRegion.mapFile(path)
  using region = HostRegion.at(mappingOf(path)!.begin + 96n, 4000)
  t.deepEqual(await addInWorker(region), patternBytes(4096).subarray(96))
  t.deepEqual(file.view(Uint8Array, 96), incremented(patternBytes(4096).subarray(96)))
})

test('what is shared survives structured cloning and JSON, and can be shared on', (t) => {
  using region = HostRegion.allocate(100)
  region.view(Uint8Array)[50] = 5
  const cloned = structuredClone(region.subarray(40, 60).share())
  t.is(cloned.byteLength, 20)
  using first = HostRegion.open(JSON.parse(JSON.stringify(cloned)))
  const begin = aligned(50) - 40
  using second = HostRegion.open(first.subarray(begin).share())
  t.is(second.byteLength, 20 - begin)
  t.is(second.view(Uint8Array)[10 - begin], 5)
  t.is(second.buffer.byteLength, 20 - begin)
})

test('an opened region is closed apart from the one that was shared', (t) => {
  const path = temporaryFile(t, patternBytes(10_000))
  const region = HostRegion.mapFile(path)
  const first = HostRegion.open(region.share())
  const second = HostRegion.open(region.share())
  const { buffer } = region
  region.close()
  t.is(buffer.byteLength, 0)
  t.deepEqual(first.view(Uint8Array), patternBytes(10_000))
  first.close()
  t.true(first.closed)
  t.deepEqual(second.view(Uint8Array), patternBytes(10_000))
  t.truthy(mappingOf(path))
  second.close()
  t.falsy(mappingOf(path))
})

test('closing does not empty the pages that another has open, though a buffer moved on', (t) => {
  const region = HostRegion.allocate(65536)
  const { buffer } = region as { buffer: ArrayBuffer & { transfer?: () => ArrayBuffer } }
  // Before Node 22 nothing takes the bytes along, and nothing stays behind.
  const moved = buffer.transfer?.() ?? new ArrayBuffer(65536)
  using other = HostRegion.open(region.share())
  other.view(Uint8Array).fill(9)
  region.close()
  t.true(other.view(Uint8Array).every((byte) => byte === 9))
  new Uint8Array(moved).fill(1)
})

test('one thread closes what another has attached, which goes on with it', async (t) => {
  const path = temporaryFile(t, patternBytes(10_000))
  const region = HostRegion.mapFile(path)
  const worker = startWorker(script, { task: 'attach', shared: region.share(), bytes: loads })
  t.is(await message(worker), 'attached')
  region.close()
  t.true(region.closed)
  worker.postMessage(1234)
  t.is(await message(worker), patternBytes(1235)[1234])
  worker.postMessage('close')
  t.is(await message(worker), 'closed')
  t.falsy(mappingOf(path))
  await worker.terminate()
})

test('close() throws for what this thread has attached, not for other threads', async (t) => {
  const region = HostRegion.allocate(65536)
  const worker = startWorker(script, { task: 'attach', shared: region.share(), bytes: loads })
  t.is(await message(worker), 'attached')
  const instance = new WebAssembly.Instance(new WebAssembly.Module(loads))
  setWasmInstanceRawMemory(instance, region)
  t.throws(() => region.close(), { message: /attached/ })
  worker.postMessage('close')
  t.is(await message(worker), 'closed')
  t.throws(() => region.close(), { message: /attached/ })
  setWasmInstanceRawMemory(instance, null)
  region.close()
  await worker.terminate()
})

test('a thread that is ended while it has a shared region attached lets go of it', async (t) => {
  const path = temporaryFile(t, patternBytes(10_000))
  const region = HostRegion.mapFile(path)
  const worker = startWorker(script, { task: 'attach', shared: region.share(), bytes: loads })
  t.is(await message(worker), 'attached')
  region.close()
  t.truthy(mappingOf(path))
  await worker.terminate()
  t.falsy(mappingOf(path))
})

test('a region lives on in another thread when the thread that made it ends', async (t) => {
  const worker = startWorker(script, { task: 'share' })
  const shared = (await message(worker)) as ReturnType<HostRegion['share']>
  using region = HostRegion.open(shared)
  await worker.terminate()
  t.deepEqual(region.view(Uint8Array), new Uint8Array(100).fill(7))
  using again = HostRegion.open(shared)
  t.is(again.byteLength, 100)
})

test('what nobody has open any more cannot be opened', async (t) => {
  const gone = { instanceOf: TypeError, message: /^open: the shared HostRegion is gone/ }
  const region = HostRegion.allocate(100)
  const shared = region.share()
  region.close()
  t.throws(() => HostRegion.open(shared), gone)
  for (const ending of ['close', 'terminate'] as const) {
    const worker = startWorker(script, { task: 'share' })
    const fromWorker = (await message(worker)) as typeof shared
    if (ending === 'close') {
      worker.postMessage('close')
      await once(worker, 'exit')
    } else {
      await worker.terminate()
    }
    t.throws(() => HostRegion.open(fromWorker), gone)
  }
})

test('pages that were emptied, but stay for a buffer that moved on, cannot be opened', (t) => {
  const region = HostRegion.allocate(65536)
  const shared = region.share()
  const { buffer } = region as { buffer: ArrayBuffer & { transfer?: () => ArrayBuffer } }
  const moved = buffer.transfer?.() ?? new ArrayBuffer(65536)
  region.close()
  t.throws(() => HostRegion.open(shared), { instanceOf: TypeError, message: /is gone/ })
  new Uint8Array(moved).fill(1)
})

test('what another process shared is refused by its process id', async (t) => {
  const { stdout, stderr, exitCode } = await runScript(
    new URL('./share-process.ts', import.meta.url),
  )
  t.is(exitCode, 0, stderr)
  t.throws(() => HostRegion.open(JSON.parse(stdout)), {
    instanceOf: TypeError,
    message: new RegExp(`^open: .*\\(pid \\d+\\), this one is ${process.pid}`),
  })
})

test('only what share() gave can be opened', (t) => {
  using region = HostRegion.allocate(100)
  const shared = region.share() as unknown as Record<string, unknown>
  const { source } = shared as { source: Record<string, unknown> }
  const buffer = new SharedArrayBuffer(100)
  const forged: unknown[] = [
    undefined,
    null,
    5,
    'x',
    Symbol('x'),
    {},
    [],
    region,
    new Proxy({}, {}),
    { type: 'v8-rawmem.SharedRegion' },
    ...[-1, 0.5, Number.NaN, Infinity, 1n, '1', undefined, 101, 2 ** 53].flatMap((wrong) => [
      { ...shared, byteLength: wrong },
      { ...shared, byteOffset: wrong },
      { ...shared, source: buffer, byteLength: wrong },
      { ...shared, source: buffer, byteOffset: wrong },
    ]),
    { ...shared, byteOffset: 1 },
    { ...shared, source: undefined },
    { ...shared, source: new ArrayBuffer(100) },
    { ...shared, source: 1234n },
    { ...shared, type: 'SharedRegion' },
    ...[undefined, 5, '', 'x', '0'.repeat(32), '\0'.repeat(32), 'ä'.repeat(100_000)].map(
      (name) => ({
        ...shared,
        source: { ...source, name },
      }),
    ),
    { ...shared, source: { ...source, pid: '1', name: 'x' } },
  ]
  for (const value of forged) {
    t.throws(() => HostRegion.open(value as never), { instanceOf: TypeError, message: /^open: / })
  }
  t.is(HostRegion.open(shared as never).byteLength, 100)
})

test('an ArrayBuffer cannot be shared, and the message says what can', (t) => {
  using region = HostRegion.from(new Uint8Array(100))
  t.throws(() => region.share(), {
    instanceOf: TypeError,
    message: /^share: .*ArrayBuffer.*HostRegion\.allocate/,
  })
})

test('a closed region cannot be shared', (t) => {
  const region = HostRegion.allocate(100)
  region.close()
  t.throws(() => region.share(), {
    instanceOf: TypeError,
    message: 'share: the HostRegion is closed',
  })
})

test('threads open, close and share at the same time', async (t) => {
  const workers = Array.from({ length: 4 }, () => startWorker(script, { task: 'race' }))
  const rounds = 500
  for (let round = 1; round <= rounds; round++) {
    using region = HostRegion.allocate(10_000)
    const bytes = region.view(Uint8Array)
    bytes[0] = 5
    bytes[9999] = 6
    const shared = region.share()
    // Mostly closed at once; sometimes when one has opened it, or all.
    const waited = round % 50 === 0 ? 4 : round % 7 === 0 ? 1 : 0
    const replies = workers.slice(0, waited).map(message)
    workers.forEach((worker, i) => {
      worker.postMessage({ shared, reply: i < waited })
    })
    const counts = (await Promise.all(replies)) as { opened: number; gone: number }[]
    if (waited === 4) {
      for (const { opened, gone } of counts) {
        t.is(opened + gone, round)
        t.true(opened >= round / 50)
      }
    }
  }
  await Promise.all(workers.map((worker) => worker.terminate()))
})
