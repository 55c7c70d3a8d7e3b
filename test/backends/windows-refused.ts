// Tries to compile a module with host windows for node-rewire, and prints the refusal. With 'node-raw', opens that backend first
// and runs a module that was compiled before.
import { openBackend } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const { WebAssembly, HostRegion, setWasmInstanceWindow } = openBackend('node-rewire')
const text = (pages: number) => `(module (memory ${pages})
  (func (export "sum") (result i32) (local $at i32) (local $sum i32)
    (loop $bytes
      (local.set $sum
        (i32.add (local.get $sum) (i32.load8_u offset=0x90000000 (local.get $at))))
      (br_if $bytes
        (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (i32.const 65536))))
    (local.get $sum)))`
const compile = (pages: number) =>
  new WebAssembly.Instance(new WebAssembly.Module(wat(text(pages)), { hostWindows: true }))

if (process.argv[2] === 'node-raw') {
  const before = compile(1)
  openBackend('node-raw')
  const region = HostRegion.allocate(65536)
  region.view(Uint8Array).fill(2)
  setWasmInstanceWindow(before, region, 1)
  // Until it is optimised.
  for (let round = 0; round < 2000; round++) {
    if (before.exports.sum() !== 131072) throw new Error('a wrong sum')
  }
}
try {
  compile(2)
  console.log('compiled')
} catch (error) {
  console.log(String(error))
}
