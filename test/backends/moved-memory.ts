// Leaves the engine so little address space that a memory cannot grow where it is.
import { equal, throws } from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { openBackend } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

setFlagsFromString('--experimental-wasm-memory64')
const { WebAssembly, HostRegion, setWasmInstanceRawMemory } = openBackend('node-rewire')
const module = new WebAssembly.Module(
  wat(`(module (memory (export "memory") i64 1 100000)
    (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i64 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0))))`),
)
const region = HostRegion.allocate(65536)
// What loads TypeScript makes an instance in the background, which needs addresses too.
await sleep(500)
for (let size = 2 ** 46; size >= 2 ** 29; size /= 2) {
  try {
    // Until it fails.
    for (;;) HostRegion.allocate(size, { shareable: false })
  } catch {}
}

function result(): string {
  const instance = (() => {
    try {
      return new WebAssembly.Instance(module)
    } catch {
      return undefined
    }
  })()
  // Node 24 and later have all the room that a memory can grow into, or no memory at all.
  if (instance === undefined) return 'not moved: no such memory'
  const { load, store, grow, memory } = instance.exports
  store(0n, 5)
  store(9n, 9)
  setWasmInstanceRawMemory(instance, region)
  store(0n, 6)
  const moved = grow(100n) !== -1n
  equal(load(0n), 6)
  store(0n, 7)
  equal(region.view(Uint8Array)[0], moved ? 6 : 7)
  if (moved) {
    throws(() => setWasmInstanceRawMemory(instance, region), {
      name: 'Error',
      message: /has grown while a region was attached, and the engine had to move it/,
    })
    equal(memory.buffer.byteLength, 101 * 65536)
  }
  setWasmInstanceRawMemory(instance, null)
  equal(load(0n), 5)
  equal(load(9n), 9)
  setWasmInstanceRawMemory(instance, region)
  equal(load(0n), moved ? 6 : 7)
  setWasmInstanceRawMemory(instance, null)
  region.close()
  equal(load(0n), 5)
  return moved ? 'moved: its own bytes are back' : 'not moved: the memory cannot grow'
}

console.log(result())
