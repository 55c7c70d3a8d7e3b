// Run by timeout.test.ts: is ended within a limited call.
import { parentPort } from 'node:worker_threads'
import { runWithLimits } from 'v8-rawmem'
import { instantiate } from './programs.ts'

const exports = instantiate(() => {
  parentPort?.postMessage('called')
  return 1
})
// Not in the body of the module: Node 22 and later abort when a worker is terminated there, if what it imports has a
// top-level await.
setImmediate(() => {
  runWithLimits({ timeout: 600_000, stackSize: 1_000_000 }, () => {
    exports.call()
    exports.loop()
  })
})
