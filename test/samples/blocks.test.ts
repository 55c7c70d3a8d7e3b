import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { layoutFor, packBlocks } from '../../samples/flights/blocks.ts'
import { fillWithCopies } from '../../samples/shared/fill-with-copies.ts'

test('blocks are as large as the rows divide into', (t) => {
  t.deepEqual(layoutFor(['a', 'b'], 3_000_000), {
    rows: 62_500,
    columns: ['a', 'b'],
    columnBytes: 250_000,
    blockBytes: 500_000,
  })
  t.is(layoutFor(['a'], 8).rows, 8)
  t.throws(() => layoutFor(['a'], 7), { message: /7 rows do not divide/ })
})

test('a block holds its columns one after the other', (t) => {
  const columns = new Map([
    ['a', { values: Int32Array.of(1, 2, 3, 4, 5, 6, 7, 8) }],
    ['b', { values: Int32Array.of(-1, -2, -3, -4, -5, -6, -7, -8) }],
  ])
  const packed = packBlocks(
    { rows: 4, columns: ['b', 'a'], columnBytes: 16, blockBytes: 32 },
    columns,
  )
  t.deepEqual(
    [...new Int32Array(packed.buffer)],
    [-1, -2, -3, -4, 1, 2, 3, 4, -5, -6, -7, -8, 5, 6, 7, 8],
  )
})

test('a region is filled to its last byte', (t) => {
  using region = HostRegion.allocate(10)
  t.deepEqual([...fillWithCopies(region, Uint8Array.of(1, 2, 3, 4))], [4, 8, 12])
  t.deepEqual([...region.view(Uint8Array)], [1, 2, 3, 4, 1, 2, 3, 4, 1, 2])
})
