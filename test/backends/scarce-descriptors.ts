// Detaches a copy-on-write window while the process has no file descriptors left, and again when it has some.
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { openBackend } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const { WebAssembly, HostRegion, setWasmInstanceRawMemory } = openBackend('node-rewire')
const module = new WebAssembly.Module(
  wat(`(module (memory (export "memory") 1)
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1))))`),
)
const instance = new WebAssembly.Instance(module)
const region = HostRegion.mapFile(fileURLToPath(import.meta.url), { length: 100 })
setWasmInstanceRawMemory(instance, region)
instance.exports.store(5, 1)

const held: number[] = []
try {
  for (;;) held.push(openSync('/dev/null', 'r'))
} catch {
  // None are left.
}
let refusal = 'none'
try {
  setWasmInstanceRawMemory(instance, null)
} catch (error) {
  refusal = (error as Error).message
}
for (const descriptor of held) closeSync(descriptor)
setWasmInstanceRawMemory(instance, null)
console.log(`${refusal}; then ${region.view(Uint8Array)[5]}`)
region.close()
