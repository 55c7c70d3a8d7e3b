// Says what comes of compiling a module: twice on this thread, and on a worker.

import { isMainThread } from 'node:worker_threads'
import { WebAssembly } from 'v8-rawmem'
import { startWorker } from '../support/start-worker.ts'

function compile(): void {
  try {
    new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))
    console.log('compiled')
  } catch (error) {
    console.log(String(error))
  }
}

compile()
if (isMainThread) {
  compile()
  startWorker(new URL(import.meta.url), undefined)
}
