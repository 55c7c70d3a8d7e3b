import type { HostRegion } from 'v8-rawmem'

/** Rows in a block. A table has whole blocks only, so kernels have no remainder to handle. */
export const blockRows = 32_768

/** How the values of a column are stored; all little-endian. */
export type StorageType = 'i32' | 'i16' | 'u8'

interface ColumnLayout {
  readonly type: StorageType
  /** Where the column begins in a block, in bytes. */
  readonly offset: number
}

/**
 * The columns of `lineitem` that queries 1 and 6 of TPC-H read. Amounts are whole hundredths, `shipdate` is days since
 * 1970-01-01, and the flags are indices into {@link returnFlags} and {@link lineStatuses}.
 */
export const lineitem = {
  shipdate: { type: 'i32', offset: 0 },
  extendedprice: { type: 'i32', offset: 4 * blockRows },
  quantity: { type: 'i16', offset: 8 * blockRows },
  discount: { type: 'i16', offset: 10 * blockRows },
  tax: { type: 'i16', offset: 12 * blockRows },
  returnflag: { type: 'u8', offset: 14 * blockRows },
  linestatus: { type: 'u8', offset: 15 * blockRows },
} as const satisfies Record<string, ColumnLayout>

export const returnFlags = ['A', 'N', 'R'] as const
export const lineStatuses = ['F', 'O'] as const

/** A block holds all values of the first column, then all of the second, and so on; blocks follow each other. */
export const blockBytes = 16 * blockRows

/** Rows per unit of the scale factor, as dbgen makes them. */
const rowsPerScaleFactor = 6_001_215

/** Blocks that come nearest to a scale factor; at least one. */
export function blocksFor(scaleFactor: number): number {
  return Math.max(1, Math.round((scaleFactor * rowsPerScaleFactor) / blockRows))
}

/** Days since 1970-01-01. */
export function dayOf(date: string): number {
  return Date.parse(date) / 86_400_000
}

// Section 4.2.3 of the TPC-H specification.
const firstOrder = dayOf('1992-01-01')
const lastOrder = dayOf('1998-12-31') - 151
const currentDate = dayOf('1995-06-17')
const parts = 200_000

/** Chris Doty-Humphrey's small fast counter: numbers from 0 to `below - 1`, the same sequence for the same seed. */
function sequence(seed: number): (below: number) => number {
  let a = seed | 0
  let b = 0x9e3779b9 | 0
  let c = 0x243f6a88 | 0
  let counter = 1
  const next = (below: number): number => {
    const sum = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + sum) | 0
    return Math.floor((sum >>> 0) * 2 ** -32 * below)
  }
  for (let i = 0; i < 16; i++) next(1)
  return next
}

/**
 * Fills `region`, whole blocks, with rows that are distributed as the TPC-H specification says: orders of one to seven lines that
 * share an order date, prices that follow from the part and the quantity, flags that follow from the dates. (Two
 * liberties, so that a block depends on its number only: the last order of a block may be cut short, and there are as many
 * parts as at scale factor 1.)
 *
 * @param firstBlock Number of the first block. Blocks may be made in any order, also by several threads.
 * @yields the bytes written so far, after every block.
 */
export function* generateLineitem(region: HostRegion, firstBlock = 0): Generator<number> {
  if (region.byteLength === 0 || region.byteLength % blockBytes !== 0) {
    throw new RangeError(
      `lineitem comes in blocks of ${blockBytes} bytes, the region has ${region.byteLength}`,
    )
  }
  for (let begin = 0; begin < region.byteLength; begin += blockBytes) {
    fillBlock(region, begin, firstBlock + begin / blockBytes)
    yield begin + blockBytes
  }
}

function fillBlock(region: HostRegion, begin: number, block: number): void {
  const shipdate = region.view(Int32Array, begin + lineitem.shipdate.offset, blockRows)
  const extendedprice = region.view(Int32Array, begin + lineitem.extendedprice.offset, blockRows)
  const quantity = region.view(Int16Array, begin + lineitem.quantity.offset, blockRows)
  const discount = region.view(Int16Array, begin + lineitem.discount.offset, blockRows)
  const tax = region.view(Int16Array, begin + lineitem.tax.offset, blockRows)
  const returnflag = region.view(Uint8Array, begin + lineitem.returnflag.offset, blockRows)
  const linestatus = region.view(Uint8Array, begin + lineitem.linestatus.offset, blockRows)

  const random = sequence(block)
  let lines = 0
  let ordered = 0
  for (let row = 0; row < blockRows; row++) {
    if (lines === 0) {
      lines = 1 + random(7)
      ordered = firstOrder + random(lastOrder - firstOrder + 1)
    }
    lines--
    const part = 1 + random(parts)
    const retailPrice = 90_000 + (Math.floor(part / 10) % 20_001) + 100 * (part % 1000)
    const pieces = 1 + random(50)
    const shipped = ordered + 1 + random(121)
    const received = shipped + 1 + random(30)
    shipdate[row] = shipped
    extendedprice[row] = pieces * retailPrice
    quantity[row] = 100 * pieces
    discount[row] = random(11)
    tax[row] = random(9)
    returnflag[row] = received > currentDate ? 1 : 2 * random(2)
    linestatus[row] = shipped > currentDate ? 1 : 0
  }
}
