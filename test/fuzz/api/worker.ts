// A zoo in a worker thread, which may be ended at any time.
import { parentPort, workerData } from 'node:worker_threads'
import { Zoo } from './zoo.ts'

const { seed, milliseconds, common } = workerData.data
parentPort?.postMessage('begins')
await new Zoo(seed, common).run(milliseconds)
