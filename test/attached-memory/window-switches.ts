// Run by window-switches.test.ts, once for every way to compile code. Switches windows in every
// place where code can call an import. Takes the rounds, whether modules go through the code cache,
// and two modules in base64. Prints what was checked.
import assert from 'node:assert/strict'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { checkSwitches } from '../support/window-switches.ts'
import { makeTarget, ways } from './targets.ts'
import { instantiate, pageSize, type Tier } from './tier.ts'

const [rounds, codeCache, ...modules] = process.argv.slice(2)
const tier: Tier = { rounds: Number(rounds), throughCodeCache: codeCache === 'true' }

const common = { WebAssembly, HostRegion, rounds: tier.rounds }
const checked: string[] = []

for (const memory of [0, 1]) {
  checkSwitches({
    ...common,
    memory,
    initial: 1,
    declarations: '(memory 1 1) (memory 1 1)',
    instantiate(text, env) {
      const instance = instantiate(tier, text, env)
      return {
        exports: instance.exports,
        attach: (region) => setWasmInstanceRawMemory(instance, region, memory),
      }
    },
  })
  checked.push(`memory ${memory} of its own`)

  for (const way of ways) {
    checkSwitches({
      ...common,
      memory,
      initial: 0,
      declarations: `(import "env" "memory0" (memory $m0 0 10))
        (import "env" "memory1" (memory $m1 0 10))`,
      instantiate(text, env) {
        const { exports, attach } = makeTarget(tier, way, text, env, { memories: 2 })
        return { exports, attach: (region) => attach(region, memory) }
      },
    })
    checked.push(`memory ${memory}, by ${way}`)

    const windows = [1, 2, 4, 3].map((pages, n) => {
      const window = HostRegion.allocate(pages * pageSize + n)
      window.view(Uint8Array).fill(n + 1)
      return window
    })
    const pages = windows.map(({ byteLength }) => Math.floor(byteLength / pageSize))
    let at = 0
    const next = (): number => {
      attach(windows[++at]!, memory)
      return windows[at]!.byteLength
    }
    const bytes = Buffer.from(modules[memory]!, 'base64')
    const { exports, attach } = makeTarget(tier, way, bytes, { next }, { memories: 2 })
    const from = (first: number, run: () => number): number => {
      at = first
      attach(windows[first]!, memory)
      return run()
    }
    for (let round = 0; round < tier.rounds; ++round) {
      assert.equal(
        from(0, () => exports.reference(3)),
        1 + 1000 * 2,
      )
      assert.equal(
        from(0, () => exports.referenceCallee(3)),
        2,
      )
      for (const n of [0, 1, 2]) {
        assert.equal(
          from(n, () => exports.sizes()),
          pages[n]! + 1000 * pages[n + 1]!,
        )
      }
    }
    checked.push(`memory ${memory}, by ${way}: references`)
  }
}

console.log(JSON.stringify(checked))
