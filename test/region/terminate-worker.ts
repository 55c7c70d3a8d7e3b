// Run by terminate.ts: does the same things over and over, until the thread is terminated.
import { setTimeout as wait } from 'node:timers/promises'
import { parentPort, workerData } from 'node:worker_threads'
import {
  ChunkFeeder,
  type ChunkFeederOptions,
  HostRegion,
  setWasmInstanceRawMemory,
  WebAssembly,
} from 'v8-rawmem'

const { what, module: bytes } = workerData.data as { what: string; module: Uint8Array<ArrayBuffer> }

const region = HostRegion.allocate(1 << 20)
const shared = region.share()
const module = new WebAssembly.Module(bytes)
const instantiate = (f: () => number | bigint) => new WebAssembly.Instance(module, { env: { f } })

function touch(mine: HostRegion): void {
  mine.view(Uint8Array)[0] = 1
  mine.close()
}

/** Feeds a program once. */
function feeding(next: (feeder: ChunkFeeder) => ChunkFeeder['next'], options?: ChunkFeederOptions) {
  const feeder = new ChunkFeeder(region, { windowSize: 4096, onProgress() {}, ...options })
  const instance = instantiate(next(feeder))
  feeder.bind(instance)
  return () => {
    instance.exports.loop()
    feeder.rewind()
  }
}

const attached = instantiate(() => 0)
const { memory } = attached.exports
const anywhere = () => region.subarray(Math.floor(Math.random() * 1000))

const tasks: Record<string, readonly (() => void)[]> = {
  regions: [
    () => touch(HostRegion.allocate(1 << 16)),
    () => touch(HostRegion.allocate(1 << 16, { shareable: true })),
    () => touch(HostRegion.open(shared)),
    () => touch(HostRegion.from(new Uint8Array(100))),
    () => touch(HostRegion.mapFile(process.execPath, { length: 5000, shareable: true })),
    () => touch(region.subarray(1)),
  ],
  feeders: [
    feeding(({ next }) => next),
    feeding((feeder) => (consumed) => feeder.next(consumed)),
    () => new ChunkFeeder(region).close(),
  ],
  attachments: [
    () => setWasmInstanceRawMemory(attached, anywhere()),
    () => setWasmInstanceRawMemory(attached, null),
    () => memory.attach(anywhere()),
    () => memory.buffer,
  ],
  objects: [
    () => instantiate(() => 0).exports.loop(),
    () => {
      const mine = new WebAssembly.Memory({ initial: 0 })
      mine.buffer
      mine.grow(1)
      mine.buffer
    },
    () => {
      const mine = new WebAssembly.Memory({ host: region })
      mine.buffer
      mine.attach(null)
    },
  ],
}

function step(): number {
  const steps = tasks[what] as (typeof tasks)[string]
  steps[Math.floor(Math.random() * steps.length)]?.()
  return 1
}

parentPort?.postMessage('begins')
// The message goes out first.
await wait(1)
// From JavaScript and from WebAssembly.
if (Math.random() < 0.5) instantiate(step).exports.loop()
else for (;;) step()
