// Run by inspector.test.ts: an endless call under limits, once a debugger lets it run. Tells how it
// ended.

import { parentPort, workerData } from 'node:worker_threads'
import { inspector, runWithLimits } from 'v8-rawmem'
import { instantiate } from '../limits/programs.ts'

const exports = instantiate()
inspector.waitForDebugger()
try {
  runWithLimits(workerData.data, exports.loop)
} catch (error) {
  parentPort!.postMessage((error as Error).name)
}
