import { assemble } from '../../../cli/assemble.ts'
import { blockBytes, blockRows, dayOf, lineitem } from './lineitem.ts'

/** TPC-H query 6 with the substitution parameters of its validation. */
export const q6Sql = `
SELECT sum(l_extendedprice * l_discount) AS revenue
FROM lineitem
WHERE l_shipdate >= DATE '1994-01-01' AND l_shipdate < DATE '1995-01-01'
  AND l_discount BETWEEN 0.05 AND 0.07 AND l_quantity < 24`

/** What {@link Q6Exports.run} is to be called with for {@link q6Sql}. */
export const q6Arguments = [dayOf('1994-01-01'), dayOf('1995-01-01'), 5, 7, 2400] as const

export interface Q6Exports {
  /**
   * Runs over all windows. Dates are days since 1970-01-01, discounts and quantities hundredths.
   *
   * @returns the revenue in ten-thousandths.
   */
  run(
    shipdateFrom: number,
    shipdateBefore: number,
    discountFrom: number,
    discountTo: number,
    quantityBelow: number,
  ): bigint
}

/**
 * A module for {@link Q6Exports}. It imports `env.next`, which brings the next window, a whole number of blocks, to address
 * 0 of memory 0, and returns its length in bytes; 0 at the end.
 *
 * Eight rows at a time. A mask has all bits of a lane set where the row counts. Rows that do not count are added up too, with a
 * discount of 0: one row of fifty counts, and a branch for that is mispredicted so often that it costs three times as much.
 */
export function q6Kernel(): Uint8Array<ArrayBuffer> {
  const { shipdate, extendedprice, quantity, discount } = lineitem
  return assemble(
    'q6.wat',
    `(module
  (import "env" "next" (func $next (result i32)))
  (memory (export "memory") 0 65536)
  (func (export "run")
    (param $from i32) (param $before i32) (param $low i32) (param $high i32) (param $below i32)
    (result i64)
    (local $end i32) (local $base i32) (local $rows i32)
    (local $a32 i32) (local $a16 i32)   ;; addresses in columns of 32 and of 16 bits
    (local $after v128) (local $until v128) (local $above v128) (local $under v128) (local $few v128)
    (local $dates0 v128) (local $dates1 v128) (local $discounts v128) (local $products v128)
    (local $sum v128)

    ;; x >= c is x > c - 1, which is one instruction less.
    (local.set $after (i32x4.splat (i32.sub (local.get $from) (i32.const 1))))
    (local.set $until (i32x4.splat (local.get $before)))
    (local.set $above (i16x8.splat (i32.sub (local.get $low) (i32.const 1))))
    (local.set $under (i16x8.splat (i32.add (local.get $high) (i32.const 1))))
    (local.set $few (i16x8.splat (local.get $below)))

    (block $done
      (loop $windows
        (br_if $done (i32.eqz (local.tee $end (call $next))))
        (local.set $base (i32.const 0))
        (loop $blocks
          (local.set $a32 (local.get $base))
          (local.set $a16 (local.get $base))
          (local.set $rows (i32.const ${blockRows}))
          (loop $eight
            (local.set $dates0 (v128.load offset=${shipdate.offset} (local.get $a32)))
            (local.set $dates1 (v128.load offset=${shipdate.offset + 16} (local.get $a32)))
            (local.set $discounts (v128.load offset=${discount.offset} (local.get $a16)))
            (local.set $discounts
              (v128.and
                (local.get $discounts)
                (v128.and
                  (i16x8.narrow_i32x4_s
                    (v128.and
                      (i32x4.gt_s (local.get $dates0) (local.get $after))
                      (i32x4.lt_s (local.get $dates0) (local.get $until)))
                    (v128.and
                      (i32x4.gt_s (local.get $dates1) (local.get $after))
                      (i32x4.lt_s (local.get $dates1) (local.get $until))))
                  (v128.and
                    (i16x8.lt_s (v128.load offset=${quantity.offset} (local.get $a16)) (local.get $few))
                    (v128.and
                      (i16x8.gt_s (local.get $discounts) (local.get $above))
                      (i16x8.lt_s (local.get $discounts) (local.get $under)))))))
            ;; Two products of a price and a discount fit 32 bits.
            (local.set $products
              (i32x4.add
                (i32x4.mul
                  (v128.load offset=${extendedprice.offset} (local.get $a32))
                  (i32x4.extend_low_i16x8_s (local.get $discounts)))
                (i32x4.mul
                  (v128.load offset=${extendedprice.offset + 16} (local.get $a32))
                  (i32x4.extend_high_i16x8_s (local.get $discounts)))))
            (local.set $sum
              (i64x2.add
                (local.get $sum)
                (i64x2.add
                  (i64x2.extend_low_i32x4_s (local.get $products))
                  (i64x2.extend_high_i32x4_s (local.get $products)))))
            (local.set $a32 (i32.add (local.get $a32) (i32.const 32)))
            (local.set $a16 (i32.add (local.get $a16) (i32.const 16)))
            (br_if $eight (local.tee $rows (i32.sub (local.get $rows) (i32.const 8)))))
          (local.set $base (i32.add (local.get $base) (i32.const ${blockBytes})))
          (br_if $blocks (i32.ne (local.get $base) (local.get $end))))
        (br $windows)))
    (i64.add
      (i64x2.extract_lane 0 (local.get $sum))
      (i64x2.extract_lane 1 (local.get $sum)))))
`,
  )
}
