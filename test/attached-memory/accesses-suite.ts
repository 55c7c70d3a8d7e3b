import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { accessesModule } from '../sdk/accesses.ts'
import { GuardedRegion } from './guarded-region.ts'
import { attachBy, ways } from './targets.ts'
import {
  compile,
  instantiate,
  outcome,
  outOfBounds,
  pageSize,
  possibleOutcomes,
  type Tier,
  trapped,
  unaligned,
} from './tier.ts'

/** A memory that cannot grow, with addresses around the size that it declares. */
const fixed = `(module (memory (export "memory") 1 1)
  (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "below") (result i32) (i32.load8_u (i32.const 65535)))
  (func (export "above") (result i32) (i32.load8_u (i32.const 65536)))
  (func (export "wayAbove") (result i32) (i32.load8_u offset=0xfffffff0 (i32.const 15)))
  (func (export "count") (param $from i32) (param $to i32) (result i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $from))))
      (br_if $next
        (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 1))) (local.get $to))))
    (local.get $sum)))`

/** Accesses at the ends of regions of all kinds of sizes. */
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
              const width = isAtomic ? bytes : undefined
              if (!possibleOutcomes(expected, width, length + gap).includes(actual)) {
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

  for (const way of ways) {
    const attach = attachBy[way]

    test(`a loop that runs over the end of the region traps there: by ${way}`, (t) => {
      for (const [length, gap] of [
        [pageSize, 0],
        [pageSize + 4095, 3],
        [1_000_003, 999],
      ] as const) {
        const instance = instantiate(tier, fixed)
        const { byte, count } = instance.exports
        const guarded = new GuardedRegion(length, gap)
        guarded.bytes.fill(1)
        attach(instance, guarded.region)
        for (let round = 0; round < tier.rounds; ++round) {
          t.is(count(0, length), length)
          t.throws(() => count(length - 10, length + 1), outOfBounds)
          for (const address of [length, length + pageSize, 2 ** 31, -1]) {
            t.throws(() => byte(address), outOfBounds)
          }
        }
        attach(instance, null)
        guarded.close()
      }
    })

    test(`a constant address below the declared minimum is always there, one above it is checked: by ${way}`, (t) => {
      const instance = instantiate(tier, fixed)
      const { below, above, wayAbove } = instance.exports
      const region = HostRegion.allocate(pageSize + 1)
      region.view(Uint8Array).set([1, 2], pageSize - 1)
      for (let round = 0; round < tier.rounds; ++round) {
        attach(instance, region.subarray(0, pageSize))
        t.is(below(), 1)
        t.throws(() => above(), outOfBounds)
        attach(instance, region)
        t.is(above(), 2)
        t.throws(() => wayAbove(), outOfBounds)
      }
    })

    test(`the declared maximum is no limit for a region: by ${way}`, (t) => {
      const instance = instantiate(tier, fixed)
      const { byte } = instance.exports
      const region = HostRegion.allocate(10 * pageSize)
      region.view(Uint8Array)[10 * pageSize - 1] = 9
      attach(instance, region)
      for (let round = 0; round < tier.rounds; ++round) {
        t.is(byte(10 * pageSize - 1), 9)
        t.throws(() => byte(10 * pageSize), outOfBounds)
      }
    })
  }
}
