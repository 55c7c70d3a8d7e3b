// Run by stack-size.test.ts: compiles, instantiates and calls where there is hardly any stack.
import { runWithLimits, WebAssembly } from 'v8-rawmem'
import { bytes, instantiate } from './programs.ts'

for (let stackSize = 1; stackSize < 60_000; stackSize += 1999) {
  for (const tiering of ['optimize', 'baseline'] as const) {
    try {
      runWithLimits({ stackSize }, () => {
        const module = new WebAssembly.Module(bytes, { tiering })
        const { exports } = new WebAssembly.Instance(module, { env: { f: () => stackSize } })
        exports.rounds(10)
        exports.caught
        if (exports.call() !== stackSize + 41) throw new Error('wrong')
        exports.endless(0)
      })
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
}
console.log(instantiate().answer())
