import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { startWorker } from '../support/start-worker.ts'
import { patternBytes } from '../support/temporary-file.ts'
import { hashOf } from './programs.ts'

const worker = new URL('./worker.ts', import.meta.url)
const bytes = patternBytes(400_000)

function sharedRegion() {
  const region = HostRegion.allocate(bytes.length)
  region.view(Uint8Array).set(bytes)
  return region
}

test.serial('threads feed parts of one region, each with a feeder of its own', async (t) => {
  const region = sharedRegion()
  const parts = [
    [0, 150_001],
    [150_001, 300_000],
    [300_000, 400_000],
  ] as const
  const hashes = await Promise.all(
    parts.map(async ([begin, end]) => {
      const control = new SharedArrayBuffer(32)
      const data = { task: 'hash', shared: region.share(), begin, end, control }
      const [hash] = await once(startWorker(worker, data), 'message')
      t.is(new BigUint64Array(control)[1], BigInt(end - begin))
      t.is(new BigUint64Array(control)[2], BigInt(Math.ceil((end - begin) / 10_000)))
      return hash
    }),
  )
  t.deepEqual(
    hashes,
    parts.map(([begin, end]) => hashOf(bytes.subarray(begin, end))),
  )
})

test.serial('a thread is watched, and stopped, through its control block', async (t) => {
  const region = sharedRegion()
  const control = new SharedArrayBuffer(32)
  const words = new Int32Array(control)
  const running = startWorker(worker, {
    task: 'endless',
    shared: region.share(),
    begin: 0,
    end: bytes.length,
    control,
  })
  const stopped = once(running, 'message')
  const seen = new Set<bigint>()
  while (seen.size < 5) {
    await delay(1)
    seen.add(Atomics.load(new BigUint64Array(control), 1))
  }
  Atomics.store(words, 0, 1)
  t.deepEqual(await stopped, ['AbortError'])
})

test.serial('a thread may end, or be ended, in the middle of it', async (t) => {
  const region = sharedRegion()
  const data = { shared: region.share(), begin: 0, end: bytes.length }
  for (let i = 0; i < 3; ++i) {
    const exiting = startWorker(worker, {
      ...data,
      task: 'exit',
      control: new SharedArrayBuffer(32),
    })
    t.deepEqual(await once(exiting, 'exit'), [5])
  }
  const control = new SharedArrayBuffer(32)
  const endless = startWorker(worker, { ...data, task: 'endless', control })
  while (Atomics.load(new Int32Array(control), 1) === 0) await delay(5)
  await endless.terminate()
  // Nobody else has the bytes any more.
  t.notThrows(() => region.close())
})
