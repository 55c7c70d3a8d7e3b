// Run by recursion.ts.
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const exports: WebAssembly.Exports = new WebAssembly.Instance(
  new WebAssembly.Module(
    wat(`(module
      (import "env" "again" (func $again))
      (func $alone (export "alone") (call $alone) (call $alone))
      (func (export "both") (call $again)))`),
  ),
  { env: { again: () => exports.both() } },
).exports

for (const name of ['alone', 'both']) {
  try {
    exports[name]()
  } catch (error) {
    console.log(String(error))
  }
}
