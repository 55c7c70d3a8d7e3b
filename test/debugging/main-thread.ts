// Runs a program on the main thread, and waits for a debugger before that. With 'import', the
// program calls JavaScript, which tells of it.

import { inspector, WebAssembly } from 'v8-rawmem'
import { assemble } from '../../cli/assemble.ts'

const bytes = assemble(
  'main.wat',
  `(module
    (import "env" "log" (func $log (param i32)))
    (func $double (param $x i32) (result i32)
      (call $log (local.get $x))
      (i32.mul (local.get $x) (i32.const 2)))
    (func $run (export "run") (result i32) (call $double (i32.const 21))))`,
  { debugNames: true },
)

inspector.open(0, undefined, true)
const env = { log: (value: unknown) => console.log('log', value) }
const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), { env })
console.log('result', instance.exports.run())
setTimeout(() => console.log('end'), 500)
