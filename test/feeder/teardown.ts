// Run by teardown.test.ts: brings a process to an end while feeders are at work. What must not be seen is a crash or a hang.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ChunkFeeder, type ChunkFeederOptions, HostRegion, WebAssembly } from 'v8-rawmem'
import { stepper } from './programs.ts'

const [, , what, folder] = process.argv as [string, string, string, string]

function start(region: HostRegion, options: ChunkFeederOptions = {}) {
  const feeder = new ChunkFeeder(region, { windowSize: 100, ...options })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  exports.step()
  return { feeder, step: exports.step }
}

const regions = (): HostRegion[] => {
  const path = join(folder, 'file.bin')
  writeFileSync(path, new Uint8Array(100_000))
  return [
    HostRegion.allocate(100_000),
    HostRegion.from(new Uint8Array(100_000)),
    HostRegion.mapFile(path),
    HostRegion.mapFile(path, { writable: true }),
  ]
}

const cases: Record<string, () => unknown> = {
  'the end of the program with windows mapped'() {
    for (const region of regions()) start(region)
  },
  'process.exit() in onProgress'() {
    const { step } = start(HostRegion.allocate(100), { onProgress: () => process.exit(3) })
    step()
  },
  'process.exit() in an exit handler that goes on'() {
    const { feeder, step } = start(HostRegion.allocate(1000))
    process.on('exit', () => {
      console.log(step(), feeder.windows)
      feeder.close()
      process.exit(4)
    })
  },
  'an uncaught refusal'() {
    start(HostRegion.allocate(1000)).feeder.next(101)
  },
  'close() in an exit handler'() {
    for (const region of regions()) {
      const { feeder } = start(region)
      process.on('exit', () => {
        feeder.close()
        region.close()
      })
    }
  },
}

await cases[what]?.()
