// Run by memory-buffer.test.ts.
import { runInNewContext } from 'node:vm'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const { exports } = new WebAssembly.Instance(
  new WebAssembly.Module(
    wat(`(module (memory (export "memory") 1)
      (func (export "go") (drop (memory.grow (i32.const 1))) (loop $again (br $again))))`),
  ),
)
const before = exports.memory.buffer
try {
  runInNewContext('go()', { go: exports.go }, { timeout: 200 })
} catch (error) {
  console.log((error as NodeJS.ErrnoException).code)
}
const after = exports.memory.buffer
console.log(before.byteLength, after.byteLength)
