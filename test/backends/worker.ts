import { parentPort, workerData } from 'node:worker_threads'
import { type BackendName, openBackend, type SharedRegion } from 'v8-rawmem'

const { backend, module, shared, leave } = workerData.data as {
  backend: BackendName
  module: Uint8Array<ArrayBuffer>
  shared: SharedRegion
  leave?: boolean
}
const { WebAssembly, HostRegion, setWasmInstanceRawMemory } = openBackend(backend)
const region = HostRegion.open(shared)
const { exports, ...instance } = (() => {
  const made = new WebAssembly.Instance(new WebAssembly.Module(module))
  return { exports: made.exports, made }
})()
setWasmInstanceRawMemory(instance.made, region)
exports.store(1, 111)
const answer = exports.load(65535)
if (!leave) {
  setWasmInstanceRawMemory(instance.made, null)
  region.close()
}
parentPort?.postMessage(answer)
