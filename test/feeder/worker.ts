// Run by workers.test.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { ChunkFeeder, HostRegion, type SharedRegion, WebAssembly } from 'v8-rawmem'
import { controlBlock, type InternalOptions } from '../../bindings/feeder/options.ts'
import { reader } from './programs.ts'

interface Data {
  readonly task: 'hash' | 'endless' | 'exit'
  readonly shared: SharedRegion
  readonly begin: number
  readonly end: number
  readonly control: SharedArrayBuffer
}

const { task, shared, begin, end, control } = workerData.data as Data
const region = HostRegion.open(shared)
const options: InternalOptions = { windowSize: 10_000, [controlBlock]: control }
const feeder = new ChunkFeeder(region.subarray(begin, end), options)
const { exports } = new WebAssembly.Instance(reader(), {
  env: {
    next: feeder.next,
    seen() {
      if (task === 'exit') process.exit(5)
    },
  },
})

// Not while modules are evaluated: Node 22 does not survive the end of a thread there.
setImmediate(() => {
  try {
    let hash: bigint
    do {
      feeder.rewind()
      hash = exports.run()
    } while (task === 'endless')
    parentPort?.postMessage(hash)
  } catch (error) {
    parentPort?.postMessage((error as Error).name)
  }
})
