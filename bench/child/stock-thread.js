// A thread with Node's own WebAssembly, which takes parts of the data until there are none left. In JavaScript, as threads of
// Node 20 know no loader of TypeScript.

import { parentPort, workerData } from 'node:worker_threads'

/** @type {import('../stock-threads.ts').StockThreadData} */
const { kernel, data, parts, taken } = workerData
const bytes = new Uint8Array(data)
const partBytes = bytes.length / parts

let left = 0
const next = () => {
  const length = left
  left = 0
  return length
}
const { exports } = new WebAssembly.Instance(new WebAssembly.Module(kernel), { env: { next } })
const { memory, run } = exports
memory.grow(Math.ceil(partBytes / 65_536))
const guest = new Uint8Array(memory.buffer)

parentPort.on('message', (argument) => {
  let sum = 0n
  for (let part = Atomics.add(taken, 0, 1); part < parts; part = Atomics.add(taken, 0, 1)) {
    guest.set(bytes.subarray(part * partBytes, (part + 1) * partBytes))
    left = partBytes
    sum += run(argument)
  }
  parentPort.postMessage(sum)
})
