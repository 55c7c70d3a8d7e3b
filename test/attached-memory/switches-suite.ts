import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { makeTarget, ways } from './targets.ts'
import { pageSize, type Tier } from './tier.ts'

/** Switches windows of several memories at once; window-switches.test.ts switches those of one. */
export function switchesSuite(tier: Tier): void {
  for (const way of ways) {
    test(`private state in memory 0, host data in memories 1 to 3, mixed in one loop: by ${way}`, (t) => {
      // Joins two columns and writes a third, with totals on a stack in memory 0. After each block of rows it asks for more
      // of the columns, and calls itself through another function in between.
      const text = `(module
        (import "env" "block" (func $block (param i32) (result i32)))
        (import "env" "memory0" (memory $own 0 10))
        (import "env" "memory1" (memory $left 0 10))
        (import "env" "memory2" (memory $right 0 10))
        (import "env" "memory3" (memory $out 0 10))
        (global $sp (mut i32) (i32.const 65536))
        (func $accumulate (param $value i32)
          (i64.store $own (global.get $sp)
            (i64.add (i64.load $own (global.get $sp)) (i64.extend_i32_u (local.get $value)))))
        (func (export "run") (result i64) (local $rows i32) (local $at i32) (local $n i32)
          (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
          (i64.store $own (global.get $sp) (i64.const 0))
          (block $end
            (loop $blocks
              (br_if $end (i32.eqz (local.tee $rows (call $block (local.get $n)))))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (local.set $at (i32.const 0))
              (loop $next
                (i32.store $out (local.get $at)
                  (i32.mul (i32.load $left (local.get $at)) (i32.load $right (local.get $at))))
                (call $accumulate (i32.load $out (local.get $at)))
                (i32.store $own (i32.const 8) (local.get $at))
                (br_if $next
                  (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 4)))
                    (i32.shl (local.get $rows) (i32.const 2)))))
              (br $blocks)))
          (i64.load $own (global.get $sp))
          (global.set $sp (i32.add (global.get $sp) (i32.const 16)))))`
      const rows = 5000
      const blocks = 7
      const column = () => HostRegion.allocate(rows * blocks * 4)
      const [left, right, out] = [column(), column(), column()]
      const own = HostRegion.allocate(pageSize)
      for (let i = 0; i < rows * blocks; ++i) {
        left.view(Uint32Array)[i] = i % 1000
        right.view(Uint32Array)[i] = i % 77
      }
      const part = (column: HostRegion, n: number) =>
        column.subarray(n * rows * 4, (n + 1) * rows * 4)
      const block = (n: number): number => {
        if (n === blocks) return 0
        // Each on its own: one of the columns only every other time.
        target.attach(part(left, n), 1)
        target.attach(part(right, n), 2)
        target.attach(part(out, n), 3)
        return rows
      }
      const target = makeTarget(tier, way, text, { block }, { memories: 4 })
      target.attach(own, 0)
      let expected = 0
      for (let i = 0; i < rows * blocks; ++i) expected += (i % 1000) * (i % 77)
      for (let round = 0; round < Math.min(tier.rounds, 4); ++round) {
        out.view(Uint8Array).fill(0)
        t.is(target.exports.run(), BigInt(expected))
        const products = out.view(Uint32Array)
        t.true(products.every((product, i) => product === (i % 1000) * (i % 77)))
      }
      // Each memory has bounds of its own.
      t.is(own.view(Uint32Array)[2], (rows - 1) * 4)
      t.is(left.view(Uint32Array)[1001], 1)
    })
  }
}
