import { parentPort, workerData } from 'node:worker_threads'
import { HostRegion } from 'v8-rawmem'

const port = parentPort!
const { data } = workerData

switch (data.task) {
  case 'increment': {
    const bytes = HostRegion.from(data.source as SharedArrayBuffer)
      .subarray(100, 200)
      .view(Uint8Array)
    for (let i = 0; i < bytes.length; i++) Atomics.add(bytes, i, 1)
    port.postMessage(bytes.length)
    // Stays, so that terminate() has something to end.
    port.on('message', () => {})
    break
  }
  case 'hold': {
    const region = HostRegion.allocate(data.byteLength)
    const bytes = region.subarray(0, 4096).view(Uint8Array)
    bytes.fill(1)
    port.on('message', () => process.exit(bytes[0]))
    port.postMessage('held')
    break
  }
  case 'fill': {
    let sum = 0
    for (let round = 0; round < 20; round++) {
      using region = HostRegion.allocate(1_000_003)
      const bytes = region.view(Uint8Array).fill(data.value)
      for (const byte of bytes) sum += byte
    }
    port.postMessage(sum)
    break
  }
}
