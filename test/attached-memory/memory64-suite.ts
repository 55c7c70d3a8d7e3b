import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { makeTarget, ways } from './targets.ts'
import { outOfBounds, pageSize, type Tier } from './tier.ts'

const GiB = 2 ** 30

const code = `(module
  (import "env" "memory0" (memory i64 0 10))
  (func (export "load") (param i64) (result i64) (i64.load (local.get 0)))
  (func (export "store") (param i64 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "byte") (param i64) (result i32) (i32.load8_u (local.get 0)))
  (func (export "far") (param i64) (result i32) (i32.load8_u offset=0xf00000000 (local.get 0)))
  (func (export "vector") (param i64) (result i64) (i64x2.extract_lane 1 (v128.load (local.get 0))))
  (func (export "copy") (param i64 i64 i64) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i64 i32 i64) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (result i64) memory.size)
  (func (export "grow") (param i64) (result i64) (memory.grow (local.get 0)))
  (func (export "sum") (param $from i64) (param $to i64) (param $step i64) (result i64) (local $sum i64)
    (loop $next
      (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $from))))
      (br_if $next
        (i64.lt_u (local.tee $from (i64.add (local.get $from) (local.get $step))) (local.get $to))))
    (local.get $sum)))`

/** One attachment of more than any window, without windows. The module declares ten pages at most. */
export function memory64Suite(tier: Tier): void {
  for (const way of ways) {
    for (const [what, length] of [
      ['64 GiB and 5 bytes', 64 * GiB + 5],
      ['1 TiB', 1024 * GiB],
    ] as const) {
      test(`a 64-bit memory of ${what} is read at both ends, and ends there: by ${way}`, (t) => {
        const region = HostRegion.allocate(length)
        const last = region.subarray(length - 16).view(Uint8Array)
        region.subarray(0, 16).view(Uint8Array).fill(3)
        last.fill(4)
        const { exports, attach } = makeTarget(tier, way, code, {}, { address: 'i64' })
        const { load, store, byte, far, vector, copy, fill, size, grow, sum } = exports
        attach(region)
        const end = BigInt(length)
        for (let round = 0; round < Math.min(tier.rounds, 4); ++round) {
          t.is(size(), end / BigInt(pageSize))
          t.is(grow(1n), -1n)
          t.is(byte(0n), 3)
          t.is(byte(end - 1n), 4)
          t.is(far(end - 1n - 0xf00000000n), 4)
          t.is(load(end - 8n), 0x0404040404040404n)
          t.is(vector(end - 16n), 0x0404040404040404n)
          store(0n, 0x1122334455667788n)
          t.is(region.subarray(0, 1).view(Uint8Array)[0], 0x88)
          store(end - 8n, 0x0405060708090a0bn)
          t.is(last[8], 0x0b)
          copy(end - 12n, 0n, 4n)
          t.deepEqual([...last.subarray(4, 8)], [0x88, 0x77, 0x66, 0x55])
          fill(end - 16n, 4, 16n)
          fill(0n, 3, 16n)
          // Every 4 GiB; the last one may lie in the last 16 bytes.
          t.is(sum(0n, end, 4n * 2n ** 30n), length % (4 * GiB) > 0 ? 7n : 3n)
          for (const beyond of [
            () => byte(end),
            () => byte(end + 0x1_0000_0000n),
            () => byte(2n ** 48n),
            () => byte(-1n),
            () => far(end - 0xf00000000n),
            () => far(-0xf00000000n + end),
            () => load(end - 7n),
            () => store(end - 7n, 0n),
            () => vector(end - 15n),
            () => copy(end - 3n, 0n, 4n),
            () => copy(0n, end - 3n, 4n),
            () => fill(end - 1n, 1, 2n),
            () => fill(1n, 1, -1n),
          ]) {
            t.throws(beyond, outOfBounds, String(beyond))
          }
          t.true(last.every((byte) => byte === 4))
        }
        attach(null)
        t.is(size(), 0n)
        t.throws(() => byte(0n), outOfBounds)
        t.is(grow(2n), 0n)
        region.close()
      })
    }
  }
}
