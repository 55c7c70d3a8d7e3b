// One round of the stress test, in a process of its own: node round.ts <seed> <milliseconds>
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { HostRegion } from 'v8-rawmem'
import { Random } from '../../support/random.ts'
import { startWorker } from '../../support/start-worker.ts'
import type { CommonGround } from './model.ts'
import { byteLength, Zoo } from './zoo.ts'

const seed = Number(process.argv[2])
const milliseconds = Number(process.argv[3])
const random = new Random(seed)

/** Regions that the zoos of all threads use. Their numbers begin beyond those of regions that zoos make. */
const regions = [
  HostRegion.allocate(byteLength),
  HostRegion.from(new SharedArrayBuffer(byteLength)),
  HostRegion.allocate(2 * byteLength).subarray(12, 12 + byteLength),
]
const common = regions.map((region, i): CommonGround => {
  const first = 0x7000_0000 + (i * byteLength) / 4
  region.view(Int32Array).forEach((_, at, values) => {
    values[at] = first + at
  })
  return { first, shared: region.share() }
})

/** Workers with zoos of their own come and are ended in the midst of whatever they do. */
async function endWorkers(until: number): Promise<number> {
  let ended = 0
  while (Date.now() < until) {
    const data = { seed: random.below(2 ** 31), milliseconds: 60_000, common }
    const worker = startWorker(new URL('./worker.ts', import.meta.url), data)
    let failure: unknown
    worker.on('error', (error) => {
      failure = error
    })
    await Promise.race([once(worker, 'message'), once(worker, 'exit')])
    await sleep(random.below(1500))
    await worker.terminate()
    if (failure !== undefined) throw failure
    ++ended
  }
  return ended
}

const until = Date.now() + milliseconds
const [zoo, workers] = await Promise.all([
  new Zoo(seed, common).run(milliseconds, 500),
  endWorkers(until),
])
for (const region of regions) region.close()
console.log(JSON.stringify({ ...zoo, workers }))
