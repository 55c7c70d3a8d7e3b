// What a worker thread runs: records itself in an endless loop.

import { parentPort } from 'node:worker_threads'
import { startCpuProfile, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const endless = wat('(module (func (export "run") (loop $forever (br $forever))))')
const instance = new WebAssembly.Instance(new WebAssembly.Module(endless))
startCpuProfile({ samplingInterval: 50 })
parentPort!.postMessage('recording')
instance.exports.run()
