// What a worker thread runs: records itself in an endless loop.

import { parentPort } from 'node:worker_threads'
import { startCpuProfile, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const endless = wat('(module (func (export "run") (loop $forever (br $forever))))')
const instance = new WebAssembly.Instance(new WebAssembly.Module(endless))
// Not in the body of the module: Node 22 and later abort when a worker is terminated there, if what it imports has a
// top-level await.
setImmediate(() => {
  startCpuProfile({ samplingInterval: 50 })
  parentPort!.postMessage('recording')
  instance.exports.run()
})
