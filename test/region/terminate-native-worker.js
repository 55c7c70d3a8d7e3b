// Run by terminate.ts: calls the addon itself, with little else for a termination to come upon. TypeScript would take a
// hundred times as long to begin.
import { createRequire } from 'node:module'
import { parentPort, workerData } from 'node:worker_threads'

const { region } = createRequire(import.meta.url)(workerData.addon)
const whole = region.allocate(1 << 16, false, false)
const name = region.share(whole)
const source = new Uint8Array(10)

const tasks = {
  allocate() {
    const handle = region.allocate(1 << 16, false, false)
    region.close(handle, [region.buffer(handle, 0, 100)])
  },
  open() {
    const { handle } = region.open(name)
    region.close(handle, [])
  },
  borrow() {
    region.close(region.borrow(source, source.buffer), [])
  },
  'hand out': () => region.detach(region.buffer(whole, 1, 100)),
}

parentPort.postMessage('begins')
setTimeout(() => {
  for (;;) tasks[workerData.what]()
}, 1)
