import type { Column } from './columns.ts'

/**
 * How rows lie in host memory: in blocks, one after the other. A block holds `rows` values of the first column, then as
 * many of the second, and so on, all 32-bit. So a window of any number of whole blocks has all the columns of its rows.
 */
export interface BlockLayout {
  readonly rows: number
  readonly columns: readonly string[]
  readonly columnBytes: number
  readonly blockBytes: number
}

/** Rows handled by one SIMD instruction; a block holds a multiple of them. */
const lanes = 4
const maxBlockRows = 65_536

/** The layout with the largest blocks that `rows` rows fill without remainder. */
export function layoutFor(columns: readonly string[], rows: number): BlockLayout {
  let blockRows = maxBlockRows - (maxBlockRows % lanes)
  while (blockRows > 0 && rows % blockRows !== 0) blockRows -= lanes
  if (blockRows === 0) throw new Error(`${rows} rows do not divide into blocks of ${lanes}n rows`)
  return {
    rows: blockRows,
    columns,
    columnBytes: blockRows * Int32Array.BYTES_PER_ELEMENT,
    blockBytes: blockRows * Int32Array.BYTES_PER_ELEMENT * columns.length,
  }
}

/** All rows once, in blocks. */
export function packBlocks(
  layout: BlockLayout,
  columns: ReadonlyMap<string, Column>,
): Uint8Array<ArrayBuffer> {
  const sources = layout.columns.map((name) => columns.get(name)!.values)
  const rows = sources[0]!.length
  const packed = new Int32Array(rows * sources.length)
  let at = 0
  for (let row = 0; row < rows; row += layout.rows) {
    for (const source of sources) {
      packed.set(source.subarray(row, row + layout.rows), at)
      at += layout.rows
    }
  }
  return new Uint8Array(packed.buffer)
}
