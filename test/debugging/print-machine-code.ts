// Compiles two functions, and calls them.

import { WebAssembly } from 'v8-rawmem'
import { assemble } from '../../cli/assemble.ts'

interface Functions {
  first(value: number): number
  second(value: number): number
}

const module = new WebAssembly.Module(
  assemble(
    'functions.wat',
    `(module
      (func $first (export "first") (param i32) (result i32)
        (i32.add (local.get 0) (i32.const 12345)))
      (func $second (export "second") (param i32) (result i32)
        (i32.mul (local.get 0) (local.get 0))))`,
    { debugNames: true },
  ),
)
const { first, second } = new WebAssembly.Instance(module).exports as unknown as Functions
if (first(1) !== 12346 || second(3) !== 9) throw new Error('wrong results')
