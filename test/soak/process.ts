// The process that soak.ts compiles and looks at: node process.js <seed> <milliseconds> <plant every>
import { setTimeout as sleep } from 'node:timers/promises'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { collectGarbage } from '../support/collect-garbage.ts'
import { Random } from '../support/random.ts'
import { type Footprint, footprint, leastSamples, trends } from './footprint.ts'
import { Work } from './work.ts'

const [seed, milliseconds, plantEvery] = process.argv.slice(2).map(Number) as [
  number,
  number,
  number,
]

/** What is kept on purpose. */
const planted: HostRegion[] = []

function plant(): void {
  const region = HostRegion.allocate(2 ** 20, { shareable: true })
  region.view(Uint8Array).fill(1)
  planted.push(region)
}

const tiny = HostRegion.allocate(1)
const instance = new WebAssembly.Instance(
  new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 0)),
)

/** What looks for garbage of the engine inside: closing a region that an instance shows. */
function collectInnerGarbage(): void {
  setWasmInstanceRawMemory(instance, tiny)
  try {
    tiny.close()
  } catch {
    setWasmInstanceRawMemory(instance, null)
  }
}

/** Waits until threads have ended and garbage has been collected, as far as they will. */
async function settle(): Promise<Footprint> {
  let last = footprint()
  for (let unchanged = 0; unchanged < 2; ++unchanged) {
    await collectGarbage()
    collectInnerGarbage()
    await sleep(20)
    await collectGarbage()
    const now = footprint()
    if (now.descriptors < last.descriptors || now.threads < last.threads) unchanged = -1
    last = now
  }
  return last
}

/** How often to say where the run is, in milliseconds. */
const reportInterval = 60_000

function report({ memory, descriptors, maps, threads }: Footprint): void {
  const minutes = Math.round((Date.now() - begin) / 60_000)
  const megabytes = Math.round(memory / 2 ** 20)
  console.error(
    `${minutes} min: ${rounds} rounds, ${megabytes} MiB, ${descriptors} descriptors, ${maps} maps, ${threads} threads`,
  )
}

const work = new Work(new Random(seed))
const samples: Footprint[] = []
let rounds = 0
const begin = Date.now()
let reportAt = begin + reportInterval
while (Date.now() - begin < milliseconds || samples.length < leastSamples) {
  await work.round()
  if (plantEvery > 0 && ++rounds % plantEvery === 0) plant()
  else if (plantEvery === 0) ++rounds
  const sample = await settle()
  samples.push(sample)
  if (Date.now() >= reportAt) {
    report(sample)
    reportAt += reportInterval
  }
}
const found = trends(samples)
console.log(
  JSON.stringify({
    seed,
    seconds: Math.round((Date.now() - begin) / 1000),
    rounds,
    work: work.counts,
    planted: planted.length,
    ...found,
    isFlat: Object.values(found).every(({ isFlat }) => isFlat),
  }),
)
// Regions that were let go of may still be on their way out.
process.exit(0)
