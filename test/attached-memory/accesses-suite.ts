import test from 'ava'
import { setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { accessesModule } from '../sdk/accesses.ts'
import { GuardedRegion } from './guarded-region.ts'
import { compile, outcome, pageSize, type Tier, trapped, unaligned } from './tier.ts'

/** Every load, store, vector and atomic access, at the ends of regions of all kinds of sizes. */
export function accessesSuite(tier: Tier): void {
  for (const [addressType, memoryIndex, way] of [
    ['i32', 0, 'memory'],
    ['i32', 1, 'instance'],
    ['i64', 1, 'memory'],
  ] as const) {
    test(`every access stops at the ends of the region: ${addressType}, memory ${memoryIndex}, by ${way}`, (t) => {
      const instance = new WebAssembly.Instance(
        compile(tier, accessesModule(addressType, memoryIndex)),
      )
      const { memory, ...functions } = instance.exports
      const address = addressType === 'i64' ? BigInt : Number
      t.true(Object.keys(functions).length > 200)
      const wrong: string[] = []
      // Not multiples of 64 KiB, of 16, of anything; guard page at once, or canaries first.
      for (const [length, gap] of [
        [0, 0],
        [1, 64],
        [15, 0],
        [17, 33],
        [pageSize - 1, 0],
        [pageSize + 24, 100],
      ] as const) {
        const guarded = new GuardedRegion(length, gap)
        if (way === 'memory') memory.attach(guarded.region)
        else setWasmInstanceRawMemory(instance, guarded.region, memoryIndex)
        for (let round = 0; round < tier.rounds; ++round) {
          for (const [name, run] of Object.entries(functions)) {
            const [instruction, width, offset] = name.split(' ')
            const bytes = Number(width)
            const isAtomic = instruction?.includes('atomic')
            // The last address that is in bounds, for atomic accesses the last aligned one.
            let last = length - bytes - Number(offset)
            if (isAtomic) last = Math.floor(last / bytes) * bytes
            const expectations: [number, string][] = [
              [last, last >= 0 ? 'done' : trapped],
              [last + (isAtomic ? bytes : 1), trapped],
              // What is added up here does not wrap around.
              [-bytes, trapped],
            ]
            if (isAtomic && bytes > 1 && last >= bytes) {
              expectations.push([last - bytes + 1, unaligned])
            }
            for (const [at, expected] of expectations) {
              const actual = outcome(() => run(address(at)))
              if (actual !== expected) {
                wrong.push(`${name} at ${at} of ${length}: ${actual}, expected ${expected}`)
              }
            }
          }
        }
        if (!guarded.intact) wrong.push(`something around ${length} bytes was written`)
        if (way === 'memory') memory.attach(null)
        else setWasmInstanceRawMemory(instance, null, memoryIndex)
        guarded.close()
      }
      t.deepEqual(wrong.slice(0, 20), [])
    })
  }
}
