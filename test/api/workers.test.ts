import { once } from 'node:events'
import test from 'ava'
import { startWorker } from '../support/start-worker.ts'

const script = new URL('./worker.ts', import.meta.url)

test('workers compute at the same time, each on its own engine and on shared bytes', async (t) => {
  const bytes = new Uint8Array(new SharedArrayBuffer(8 * 65536))
  for (let i = 0; i < bytes.length; ++i) bytes[i] = i
  const workers = Array.from({ length: 4 }, (_, index) =>
    startWorker(script, { task: 'sum', bytes, index }),
  )
  const sums = await Promise.all(
    workers.map(async (worker) => {
      const [message] = await once(worker, 'message')
      await once(worker, 'exit')
      return message as number
    }),
  )
  const part = bytes.length / 4
  const expected = workers.map((_, index) =>
    bytes.subarray(index * part, (index + 1) * part).reduce((sum, byte) => sum + byte, 0),
  )
  t.deepEqual(sums, expected)
})

test('workers come and go', async (t) => {
  for (let round = 0; round < 5; ++round) {
    const workers = Array.from({ length: 3 }, () => startWorker(script, { task: 'compile' }))
    const codes = await Promise.all(workers.map(async (worker) => (await once(worker, 'exit'))[0]))
    t.deepEqual(codes, [0, 0, 0])
  }
})

test('a worker that ends with a compilation under way ends', async (t) => {
  for (let round = 0; round < 3; ++round) {
    const worker = startWorker(script, { task: 'compile and exit' })
    t.deepEqual(await once(worker, 'exit'), [7])
  }
})

test('a worker in an endless loop of WebAssembly code is terminated', async (t) => {
  const worker = startWorker(script, { task: 'endless loop' })
  await once(worker, 'message')
  const started = performance.now()
  const code = await worker.terminate()
  t.is(code, 1)
  t.true(performance.now() - started < 5000)
})

test('a worker in an endless loop that calls an import is terminated', async (t) => {
  const worker = startWorker(script, { task: 'endless calls' })
  await once(worker, 'message')
  t.is(await worker.terminate(), 1)
})

test('a worker in an endless loop that catches everything is terminated', async (t) => {
  const worker = startWorker(script, { task: 'endless catching' })
  await once(worker, 'message')
  t.is(await worker.terminate(), 1)
})

test('a worker is terminated while instances are attached to regions', async (t) => {
  const worker = startWorker(script, { task: 'attached' })
  await once(worker, 'message')
  t.is(await worker.terminate(), 1)
})

test('process.exit() in an import ends the worker', async (t) => {
  const worker = startWorker(script, { task: 'exit in import' })
  t.deepEqual(await once(worker, 'exit'), [9])
})
