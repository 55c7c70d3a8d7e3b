import type { DataType } from 'apache-arrow'
import { assemble } from '../../cli/assemble.ts'

/** Which memory of the module is what. */
export const memories = { totals: 0, values: 1, valueBits: 2, indices: 3, indexBits: 4 } as const

/** Bytes of a group in the memory `totals`: the sum as f64, the count as i64. */
const totalBytes = 16

export interface KernelExports {
  /**
   * Adds the values of a batch to the totals of their groups, without those that are missing. The group after the last one
   * takes the rows whose index is missing.
   *
   * @param valueBit Where the bitmap of the values begins, in bits; -1 if there is none.
   * @param indexBit The same for the indices.
   */
  add(rows: number, valueBit: number, indexBit: number): void
  readonly totals: { readonly buffer: ArrayBuffer }
}

export interface Total {
  readonly sum: number
  readonly count: bigint
}

/** Instructions that load a value as f64, by its Arrow type. */
const valueLoads: Record<string, { load: string; bytes: number }> = {
  Float64: { load: 'f64.load $values', bytes: 8 },
  Float32: { load: 'f64.promote_f32 (f32.load $values', bytes: 4 },
  Int64: { load: 'f64.convert_i64_s (i64.load $values', bytes: 8 },
  Int32: { load: 'f64.convert_i32_s (i32.load $values', bytes: 4 },
}

const indexLoads: Record<string, { load: string; bytes: number }> = {
  Int32: { load: 'i32.load $indices', bytes: 4 },
  Uint32: { load: 'i32.load $indices', bytes: 4 },
  Int16: { load: 'i32.load16_u $indices', bytes: 2 },
  Uint16: { load: 'i32.load16_u $indices', bytes: 2 },
  Int8: { load: 'i32.load8_u $indices', bytes: 1 },
  Uint8: { load: 'i32.load8_u $indices', bytes: 1 },
}

/** A column that the kernel cannot read. */
export class UnsupportedType extends Error {
  override readonly name = 'UnsupportedType'
}

function instructionFor(
  loads: Record<string, { load: string; bytes: number }>,
  type: DataType,
  what: string,
): string {
  const instruction = loads[String(type)]
  if (instruction === undefined) {
    throw new UnsupportedType(
      `${what} of type ${type} are not supported (supported are ${Object.keys(loads).join(', ')})`,
    )
  }
  const { load, bytes } = instruction
  const address =
    bytes === 1 ? '(local.get $row)' : `(i32.mul (local.get $row) (i32.const ${bytes}))`
  return `(${load} ${address})${load.includes('(') ? ')' : ''}`
}

/**
 * A module for {@link KernelExports}, for columns of these types: `SELECT sum(value), count(value) GROUP BY index`. It has
 * a memory of its own for the totals, and one for each buffer of the two columns.
 *
 * @throws {UnsupportedType}
 */
export function groupKernel(
  value: DataType,
  index: DataType,
  groups: number,
): Uint8Array<ArrayBuffer> {
  const loadValue = instructionFor(valueLoads, value, 'Values')
  const loadIndex = instructionFor(indexLoads, index, 'Indices')
  const pages = Math.ceil(((groups + 1) * totalBytes) / 65_536)

  // Bit `row` of a bitmap that begins at a bit of its own: the lowest bit first.
  const isMissing = (bits: string, first: string) => `
    (if (result i32) (i32.lt_s (local.get ${first}) (i32.const 0))
      (then (i32.const 0))
      (else
        (i32.eqz
          (i32.and
            (i32.shr_u
              (i32.load8_u ${bits}
                (i32.shr_u (i32.add (local.get $row) (local.get ${first})) (i32.const 3)))
              (i32.and (i32.add (local.get $row) (local.get ${first})) (i32.const 7)))
            (i32.const 1)))))`

  return assemble(
    'group.wat',
    `(module
  (memory $totals (export "totals") ${pages} ${pages})
  (memory $values 0 65536)
  (memory $value_bits 0 65536)
  (memory $indices 0 65536)
  (memory $index_bits 0 65536)
  (func (export "add") (param $rows i32) (param $value_bit i32) (param $index_bit i32)
    (local $row i32) (local $total i32)
    (if (i32.eqz (local.get $rows)) (then (return)))
    (loop $next
      (block $skip
        (br_if $skip ${isMissing('$value_bits', '$value_bit')})
        (if ${isMissing('$index_bits', '$index_bit')}
          (then (local.set $total (i32.const ${groups})))
          (else
            (local.set $total ${loadIndex})
            ;; An index that the dictionary does not have.
            (if (i32.ge_u (local.get $total) (i32.const ${groups})) (then (unreachable)))))
        (local.set $total (i32.mul (local.get $total) (i32.const ${totalBytes})))
        (f64.store (local.get $total)
          (f64.add (f64.load (local.get $total)) ${loadValue}))
        (i64.store offset=8 (local.get $total)
          (i64.add (i64.load offset=8 (local.get $total)) (i64.const 1))))
      (local.set $row (i32.add (local.get $row) (i32.const 1)))
      (br_if $next (i32.ne (local.get $row) (local.get $rows))))))
`,
  )
}

/** The totals that the module has in its memory; the last is that of the rows without an index. */
export function readTotals({ totals }: KernelExports, groups: number): Total[] {
  const sums = new Float64Array(totals.buffer, 0, (groups + 1) * 2)
  const counts = new BigInt64Array(totals.buffer, 0, (groups + 1) * 2)
  return Array.from({ length: groups + 1 }, (_, group) => ({
    sum: sums[2 * group]!,
    count: counts[2 * group + 1]!,
  }))
}
