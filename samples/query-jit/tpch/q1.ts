import { assemble } from '../../../cli/assemble.ts'
import { blockBytes, blockRows, dayOf, lineitem, lineStatuses, returnFlags } from './lineitem.ts'

/** TPC-H query 1 with the substitution parameter of its validation. */
export const q1Sql = `
SELECT l_returnflag, l_linestatus,
  sum(l_quantity) AS sum_qty,
  sum(l_extendedprice) AS sum_base_price,
  sum(l_extendedprice * (1 - l_discount)) AS sum_disc_price,
  sum(l_extendedprice * (1 - l_discount) * (1 + l_tax)) AS sum_charge,
  avg(l_quantity) AS avg_qty,
  avg(l_extendedprice) AS avg_price,
  avg(l_discount) AS avg_disc,
  count(*) AS count_order
FROM lineitem
WHERE l_shipdate <= DATE '1998-09-02'
GROUP BY l_returnflag, l_linestatus
ORDER BY l_returnflag, l_linestatus`

/** What {@link Q1Exports.run} is to be called with for {@link q1Sql}. */
export const q1Arguments = [dayOf('1998-09-02')] as const

export interface Q1Exports {
  /** Runs over all windows; `shipdateTo` is days since 1970-01-01. The sums are in {@link state} then. */
  run(shipdateTo: number): void
  /** The module's own memory; {@link readQ1} knows what is where. */
  readonly state: { readonly buffer: ArrayBuffer }
}

/** A row of the result, exact: the sums are whole hundredths, ten-thousandths and millionths. */
export interface Q1Row {
  readonly returnflag: string
  readonly linestatus: string
  /** In 1/100. */
  readonly quantity: bigint
  /** In 1/100. */
  readonly basePrice: bigint
  /** In 1/10,000. */
  readonly discountedPrice: bigint
  /** In 1/1,000,000. */
  readonly charge: bigint
  /** In 1/100; the average discount is this by `count`. */
  readonly discount: bigint
  readonly count: bigint
}

/*
The module's own memory, memory 0. The data are memory 1.

Four rows are handled at a time. For each lane and each group there are sums of their own, so that four additions in a row do not wait for
each other: 4 lanes of 8 groups (returnflag * 2 + linestatus; 7 takes the rows that do not count) of 32 bytes:
  0  i64 base price
  8  i32 quantity
 12  i32 discount in its lower 18 bits, count above: for the 8,192 rows that a lane has of a block, that is room enough
 16  i64 discounted price
 24  i64 charge
After every block they are added to the totals of the groups: 8 groups of 64 bytes, all i64:
  0 count, 8 quantity, 16 discount, 24 base price, 32 discounted price, 40 lower and 48 upper 32 bits of the charges
*/
const groupBytes = 32
const laneBytes = 8 * groupBytes
const totalsAddress = 4 * laneBytes
const totalBytes = 64
const stateBytes = totalsAddress + 8 * totalBytes
const discountBits = 18

/**
 * A module for {@link Q1Exports}. It imports `env.next`, which brings the next window, a whole number of blocks, to address
 * 0 of memory 1, and returns its length in bytes; 0 at the end.
 */
export function q1Kernel(): Uint8Array<ArrayBuffer> {
  const { shipdate, extendedprice, quantity, discount, tax, returnflag, linestatus } = lineitem

  const interleave = (half: 'low' | 'high') =>
    half === 'low'
      ? 'i8x16.shuffle 0 1 2 3 16 17 18 19 4 5 6 7 20 21 22 23'
      : 'i8x16.shuffle 8 9 10 11 24 25 26 27 12 13 14 15 28 29 30 31'
  const firsts = 'i8x16.shuffle 0 1 2 3 4 5 6 7 16 17 18 19 20 21 22 23'
  const seconds = 'i8x16.shuffle 8 9 10 11 12 13 14 15 24 25 26 27 28 29 30 31'

  const addTo = (offset: number, sums: string) => `
    (v128.store offset=${offset} (local.get $group)
      (i64x2.add (v128.load offset=${offset} (local.get $group)) ${sums}))`

  // Rows `half * 4` to `half * 4 + 3` of the eight that were loaded.
  const fourRows = (half: 0 | 1) => {
    const part = half === 0 ? 'low' : 'high'
    const widen = (values: string) => `(i32x4.extend_${part}_i16x8_s (local.get ${values}))`
    const lanes = ([0, 1, 2, 3] as const).map((lane) => {
      const pair = lane < 2 ? 'low' : 'high'
      const pick = lane % 2 === 0 ? firsts : seconds
      return `
    (local.set $group (i32x4.extract_lane ${lane} (local.get $groups)))
    ${addTo(
      lane * laneBytes,
      `(${pick}
        (i64x2.extend_${pair}_i32x4_u (local.get $price))
        (${interleave(pair)} (local.get $quantity) (local.get $counted)))`,
    )}
    ${addTo(
      lane * laneBytes + 16,
      `(${pick}
        (i64x2.extend_${pair}_i32x4_u (local.get $reduced))
        (i64x2.extmul_${pair}_i32x4_u (local.get $reduced) (local.get $taxed)))`,
    )}`
    })
    return `
    (local.set $groups
      (v128.or
        (i32x4.extend_${part}_i16x8_u (local.get $keys))
        (v128.and
          (i32x4.gt_s
            (v128.load $data offset=${shipdate.offset + 16 * half} (local.get $a32))
            (local.get $last))
          (v128.const i32x4 ${Array(4)
            .fill(7 * groupBytes)
            .join(' ')}))))
    (local.set $price (v128.load $data offset=${extendedprice.offset + 16 * half} (local.get $a32)))
    (local.set $quantity ${widen('$quantities')})
    (local.set $counted
      (i32x4.add ${widen('$discounts')} (v128.const i32x4 ${Array(4)
        .fill(2 ** discountBits)
        .join(' ')})))
    (local.set $reduced
      (i32x4.mul
        (local.get $price)
        (i32x4.sub (v128.const i32x4 100 100 100 100) ${widen('$discounts')})))
    (local.set $taxed (i32x4.add (v128.const i32x4 100 100 100 100) ${widen('$taxes')}))
    ${lanes.join('')}`
  }

  const total = (offset: number, amount: string) => `
      (i64.store offset=${totalsAddress + offset} (local.get $total)
        (i64.add (i64.load offset=${totalsAddress + offset} (local.get $total)) ${amount}))`

  return assemble(
    'q1.wat',
    `(module
  (import "env" "next" (func $next (result i32)))
  (memory $state (export "state") 1 1)
  ;; A window has at least a block: accesses that reach no further need one check less.
  (memory $data (export "data") ${blockBytes / 65_536} 65536)

  (func $add_to_totals
    (local $group i32) (local $total i32)
    (loop $groups
      (local.set $total
        (i32.mul
          (i32.and (local.get $group) (i32.const ${laneBytes - 1}))
          (i32.const ${totalBytes / groupBytes})))
      ${total(0, `(i64.extend_i32_u (i32.shr_u (i32.load offset=12 (local.get $group)) (i32.const ${discountBits})))`)}
      ${total(8, '(i64.load32_u offset=8 (local.get $group))')}
      ${total(16, `(i64.extend_i32_u (i32.and (i32.load offset=12 (local.get $group)) (i32.const ${2 ** discountBits - 1})))`)}
      ${total(24, '(i64.load (local.get $group))')}
      ${total(32, '(i64.load offset=16 (local.get $group))')}
      ${total(40, '(i64.load32_u offset=24 (local.get $group))')}
      ${total(48, '(i64.load32_u offset=28 (local.get $group))')}
      (local.set $group (i32.add (local.get $group) (i32.const ${groupBytes})))
      (br_if $groups (i32.lt_u (local.get $group) (i32.const ${totalsAddress}))))
    (memory.fill (i32.const 0) (i32.const 0) (i32.const ${totalsAddress})))

  (func (export "run") (param $until i32)
    (local $end i32) (local $base i32) (local $rows i32)
    (local $a32 i32) (local $a16 i32) (local $a8 i32)   ;; addresses in columns of 32, 16 and 8 bits
    (local $last v128) (local $keys v128) (local $quantities v128) (local $discounts v128) (local $taxes v128)
    (local $groups v128) (local $price v128) (local $quantity v128) (local $counted v128)
    (local $reduced v128) (local $taxed v128)
    (local $group i32)

    (memory.fill (i32.const 0) (i32.const 0) (i32.const ${stateBytes}))
    (local.set $last (i32x4.splat (local.get $until)))
    (block $done
      (loop $windows
        (br_if $done (i32.eqz (local.tee $end (call $next))))
        (local.set $base (i32.const 0))
        (loop $blocks
          (local.set $a32 (local.get $base))
          (local.set $a16 (local.get $base))
          (local.set $a8 (local.get $base))
          (local.set $rows (i32.const ${blockRows}))
          (loop $eight
            (local.set $keys (v128.load64_zero $data offset=${returnflag.offset} (local.get $a8)))
            (local.set $keys
              (i16x8.shl
                (i16x8.extend_low_i8x16_u
                  (i8x16.add
                    (i8x16.add (local.get $keys) (local.get $keys))
                    (v128.load64_zero $data offset=${linestatus.offset} (local.get $a8))))
                (i32.const ${Math.log2(groupBytes)})))
            (local.set $quantities (v128.load $data offset=${quantity.offset} (local.get $a16)))
            (local.set $discounts (v128.load $data offset=${discount.offset} (local.get $a16)))
            (local.set $taxes (v128.load $data offset=${tax.offset} (local.get $a16)))
            ${fourRows(0)}
            ${fourRows(1)}
            (local.set $a32 (i32.add (local.get $a32) (i32.const 32)))
            (local.set $a16 (i32.add (local.get $a16) (i32.const 16)))
            (local.set $a8 (i32.add (local.get $a8) (i32.const 8)))
            (br_if $eight (local.tee $rows (i32.sub (local.get $rows) (i32.const 8)))))
          (call $add_to_totals)
          (local.set $base (i32.add (local.get $base) (i32.const ${blockBytes})))
          (br_if $blocks (i32.ne (local.get $base) (local.get $end))))
        (br $windows)))))
`,
  )
}

/** The result that a finished run left in the module's memory; groups without rows are left out. */
export function readQ1({ state }: Q1Exports): Q1Row[] {
  const totals = new BigUint64Array(state.buffer, totalsAddress)
  const rows: Q1Row[] = []
  for (const [flag, returnflag] of returnFlags.entries()) {
    for (const [status, linestatus] of lineStatuses.entries()) {
      const at = ((flag * 2 + status) * totalBytes) / BigUint64Array.BYTES_PER_ELEMENT
      const [count, quantity, discount, basePrice, discountedPrice, lower, upper] = totals.subarray(
        at,
        at + 7,
      ) as unknown as [bigint, bigint, bigint, bigint, bigint, bigint, bigint]
      if (count === 0n) continue
      const charge = (upper << 32n) + lower
      rows.push({
        returnflag,
        linestatus,
        quantity,
        basePrice,
        discountedPrice,
        charge,
        discount,
        count,
      })
    }
  }
  return rows
}
