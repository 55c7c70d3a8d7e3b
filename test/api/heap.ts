// Run by heap.test.ts: takes memory until there is none, twice; then does something ordinary.
import { WebAssembly } from 'v8-rawmem'

const module = new WebAssembly.Module(Buffer.from(process.argv[3] as string, 'base64'))
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
