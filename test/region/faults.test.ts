import { once } from 'node:events'
import { truncateSync } from 'node:fs'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { systemPage } from '../support/page-size.ts'
import { runScript } from '../support/run-script.ts'
import { startWorker } from '../support/start-worker.ts'
import { patternBytes, temporaryFile, temporaryFolder } from '../support/temporary-file.ts'

const script = new URL('fault-process.ts', import.meta.url)
const nodeTrap = 'memory access out of bounds'

test('JavaScript reads zeros where pages are lost, and the region says so', (t) => {
  const path = temporaryFile(t, patternBytes(5 * 4096))
  using region = HostRegion.mapFile(path, { offset: 10 })
  t.is(region.damaged, undefined)
  truncateSync(path, 4096)
  const bytes = region.view(Uint8Array)
  t.is(bytes[4 * 4096], 0)
  t.deepEqual(region.damaged, { byteOffset: 4 * 4096 - 10 })
  t.is(bytes[4096 - 10], 0)
  t.deepEqual(region.damaged, { byteOffset: 4096 - 10 }, 'the first page that was lost')
  t.deepEqual(region.subarray(5).damaged, region.damaged)
  t.deepEqual(bytes.slice(0, 4086), patternBytes(4096).slice(10), 'the rest is there')
  bytes[4096] = 7
  t.is(bytes[4096], 7)
  region.close()
  t.is(region.damaged, undefined)
})

test('a region at the same addresses begins undamaged', (t) => {
  for (let i = 0; i < 20; ++i) {
    const path = temporaryFile(t, patternBytes(8192))
    using region = HostRegion.mapFile(path)
    t.is(region.damaged, undefined)
    truncateSync(path, 0)
    t.is(region.view(Uint8Array)[0], 0)
    t.deepEqual(region.damaged, { byteOffset: 0 })
  }
})

test('what two threads store to a lost page at the same time is there', async (t) => {
  const pages = 200
  const path = temporaryFile(t, new Uint8Array(pages * systemPage))
  using region = HostRegion.mapFile(path)
  truncateSync(path, 0)
  const script = new URL('share-worker.ts', import.meta.url)
  const arrived = new SharedArrayBuffer(4 * pages)
  const data = { task: 'store', shared: region.share(), arrived, threads: 2 }
  const workers = [0, 1].map((index) => startWorker(script, { ...data, index }))
  await Promise.all(workers.map((worker) => once(worker, 'message')))
  const bytes = region.view(Uint8Array)
  const lost = Array.from({ length: pages }, (_, page) => page * systemPage).filter(
    (at) => bytes[at] !== 1 || bytes[at + 1] !== 1,
  )
  t.deepEqual(lost, [])
})

for (const [what, signal] of [
  ['wild', 'SIGSEGV'],
  ['sent', 'SIGBUS'],
] as const) {
  test(`a ${what} ${signal} ends the process as ever`, async (t) => {
    const result = await runScript(script, { args: [what, temporaryFolder(t)] })
    t.is(result.signal, signal, result.stderr)
  })
}

test('pages that are lost where node-rewire has mapped them are zeros, and the region says so', async (t) => {
  const { stdout, stderr } = await runScript(script, { args: ['rewired', temporaryFolder(t)] })
  const page = 65_536
  const seen = [0, 3 * page, 1, 0, 2 * page, 0, 2 * page]
  t.deepEqual(stdout.trim(), JSON.stringify([seen, seen]), stderr)
})

for (const [what, result] of [
  ['both', [0, nodeTrap, 0, nodeTrap]],
  ['later', [0, nodeTrap]],
  ['threads', [[0, nodeTrap, 0, nodeTrap], 0]],
] as const) {
  test(`faults beside those of Node's own WebAssembly: ${what}`, async (t) => {
    const ran = await runScript(script, { args: [what, temporaryFolder(t)] })
    t.deepEqual(ran.stdout.trim(), JSON.stringify(result), ran.stderr)
  })
}
