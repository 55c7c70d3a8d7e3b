import { parentPort, workerData } from 'node:worker_threads'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import type { SharedRegion } from '../../types/index.d.ts'
import { systemPage } from '../support/page-size.ts'

const port = parentPort!
const { data } = workerData

switch (data.task) {
  case 'add': {
    using region = HostRegion.open(data.shared)
    const bytes = region.view(Uint8Array)
    const seen = bytes.slice()
    for (let i = 0; i < bytes.length; i++) bytes[i] = bytes[i]! + 1
    port.postMessage(seen)
    break
  }
  case 'attach': {
    const region = HostRegion.open(data.shared)
    const module = new WebAssembly.Module(data.bytes)
    const instance = new WebAssembly.Instance(module)
    setWasmInstanceRawMemory(instance, region)
    port.postMessage('attached')
    port.on('message', (message: number | 'close') => {
      if (typeof message === 'number') {
        port.postMessage(instance.exports.load(message))
        return
      }
      setWasmInstanceRawMemory(instance, null)
      region.close()
      port.postMessage('closed')
    })
    break
  }
  case 'store': {
    const { shared, index, threads } = data
    using region = HostRegion.open(shared)
    const bytes = region.view(Uint8Array)
    const arrived = new Int32Array(data.arrived)
    for (let page = 0; page < arrived.length; ++page) {
      Atomics.add(arrived, page, 1)
      while (Atomics.load(arrived, page) < threads) {}
      bytes[page * systemPage + index] = 1
    }
    port.postMessage('stored')
    break
  }
  case 'share': {
    const region = HostRegion.allocate(100)
    region.view(Uint8Array).fill(7)
    port.postMessage(region.share())
    // Stays, and keeps the region, until it is told.
    port.once('message', () => {
      region.close()
      port.postMessage('closed')
    })
    break
  }
  case 'race': {
    let opened = 0
    let gone = 0
    port.on('message', ({ shared, reply }: { shared: SharedRegion; reply: boolean }) => {
      try {
        using region = HostRegion.open(shared)
        const bytes = region.view(Uint8Array)
        if (bytes[0] !== 5 || bytes.at(-1) !== 6) throw new Error('other bytes')
        opened++
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        gone++
      }
      if (reply) port.postMessage({ opened, gone })
    })
    break
  }
}
