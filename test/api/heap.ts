// Run by heap.test.ts: takes memory until there is none, twice; then does something ordinary.
import { WebAssembly } from 'v8-rawmem'
import { binaryenText } from '../support/binaryen-text.ts'

const module = new WebAssembly.Module(
  binaryenText(`(module
  (type $node (struct (field (ref null $node)) (field i64)))
  (type $array (array (mut i64)))
  (type $list (struct (field (ref null $list)) (field (ref $array))))
  (func (export "answer") (result i32) (i32.const 42))
  (func (export "structs")
    (local $last (ref null $node))
    (loop $again
      (local.set $last (struct.new $node (local.get $last) (i64.const 1)))
      (br $again)))
  (func (export "arrays")
    (local $last (ref null $list))
    (loop $again
      (local.set $last (struct.new $list (local.get $last) (array.new $array (i64.const 1) (i32.const 100000))))
      (br $again))))`),
)
const { exports } = new WebAssembly.Instance(module)

const kept: unknown[] = []
const what = process.argv[2] as string
const actions: Record<string, () => void> = {
  tables: () => {
    for (;;) kept.push(new WebAssembly.Table({ element: 'externref', initial: 2_000_000 }))
  },
}
const action = actions[what] ?? (() => new WebAssembly.Instance(module).exports[what]())

for (let i = 0; i < 2; ++i) {
  try {
    action()
    console.log('no end')
  } catch (error) {
    console.log(String(error).split('\n')[0])
  }
  kept.length = 0
}
console.log(exports.answer())
