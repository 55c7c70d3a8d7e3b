// Run by heap.test.ts: takes memory until there is none, twice; then does something ordinary.
import binaryen from 'binaryen'
import { WebAssembly } from 'v8-rawmem'

const parsed = binaryen.parseText(`(module
  (type $node (struct (field (ref null $node)) (field i64)))
  (type $array (array (mut i64)))
  (type $list (struct (field (ref null $list)) (field (ref $array))))
  (table $t 1 externref)
  (func (export "answer") (result i32) (i32.const 42))
  (func (export "growing table")
    (loop $again (drop (table.grow $t (ref.null extern) (i32.const 1000000))) (br $again)))
  (func (export "structs")
    (local $last (ref null $node))
    (loop $again
      (local.set $last (struct.new $node (local.get $last) (i64.const 1)))
      (br $again)))
  (func (export "arrays")
    (local $last (ref null $list))
    (loop $again
      (local.set $last (struct.new $list (local.get $last) (array.new $array (i64.const 1) (i32.const 100000))))
      (br $again))))`)
parsed.setFeatures(binaryen.Features.All)
const module = new WebAssembly.Module(parsed.emitBinary())
const { exports } = new WebAssembly.Instance(module)

const kept: unknown[] = []
const what = process.argv[2] as string
const actions: Record<string, () => void> = {
  tables: () => {
    for (;;) kept.push(new WebAssembly.Table({ element: 'externref', initial: 9_000_000 }))
  },
  memories: () => {
    for (;;) kept.push(new WebAssembly.Memory({ initial: 65536, maximum: 65536 }))
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
