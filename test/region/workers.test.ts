import { once } from 'node:events'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { startWorker } from '../support/start-worker.ts'
import { mappings } from './mapped-bytes.ts'

const GiB = 2 ** 30
const script = new URL('./region-worker.ts', import.meta.url)

test('two threads see each other through a SharedArrayBuffer', async (t) => {
  const source = new SharedArrayBuffer(4096)
  const region = HostRegion.from(source).subarray(100, 200)
  region.view(Uint8Array)[0] = 1
  const worker = startWorker(script, { task: 'increment', source })
  const [result] = await once(worker, 'message')
  t.is(result, 100)
  t.true(region.view(Uint8Array).every((byte, i) => byte === (i === 0 ? 2 : 1)))
  t.is(await worker.terminate(), 1)
})

test('a worker that ends leaves no mapping behind, closed or not', async (t) => {
  const large = () =>
    mappings().filter(({ begin, end }) => end - begin >= 700n * BigInt(GiB)).length
  const before = large()
  for (const ending of ['exit', 'terminate'] as const) {
    const worker = startWorker(script, { task: 'hold', byteLength: 700 * GiB })
    await once(worker, 'message')
    t.is(large(), before + 1)
    if (ending === 'exit') {
      worker.postMessage('exit')
      await once(worker, 'exit')
    } else {
      await worker.terminate()
    }
    t.is(large(), before)
  }
})

test('several workers allocate, fill and close at once', async (t) => {
  const workers = Array.from({ length: 4 }, (_, i) =>
    startWorker(script, { task: 'fill', value: i + 1 }),
  )
  const sums = await Promise.all(
    workers.map(async (worker) => {
      const [sum] = await once(worker, 'message')
      await once(worker, 'exit')
      return sum as number
    }),
  )
  t.deepEqual(
    sums,
    [1, 2, 3, 4].map((value) => value * 1_000_003 * 20),
  )
})
