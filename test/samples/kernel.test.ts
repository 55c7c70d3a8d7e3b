import test from 'ava'
import { type BlockLayout, layoutFor, packBlocks } from '../../samples/flights/blocks.ts'
import type { Column } from '../../samples/flights/columns.ts'
import { columnsOf, parseExpression, resolveTexts } from '../../samples/flights/expression.ts'
import { compileQuery, type KernelExports } from '../../samples/flights/kernel.ts'
import type { Aggregate, Query } from '../../samples/flights/query.ts'
import { runInJavaScript } from '../../samples/flights/reference.ts'

// The module is plain WebAssembly: here Node's own engine runs it, on copies.
interface NodeWebAssembly {
  Module: new (bytes: Uint8Array) => object
  Instance: new (module: object, imports: object) => { exports: object }
}
const { Module, Instance } = (globalThis as unknown as { WebAssembly: NodeWebAssembly }).WebAssembly

const schema = new Map([
  ['a', { kind: 'number' }],
  ['b', { kind: 'number' }],
  ['city', { kind: 'text' }],
] as const)

const codes = new Map([
  ['SFO', 0],
  ['JFK', 1],
  ['OAK', 2],
])

/** The same sequence every time, over the whole range of 32 bits or a small one. */
function sequence(length: number, seed: number, range?: number): Int32Array {
  let state = seed
  return Int32Array.from({ length }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return range === undefined ? state : (state >>> 8) % range
  })
}

function sampleColumns(rows: number): Map<string, Column> {
  return new Map<string, Column>([
    ['a', { values: sequence(rows, 1) }],
    ['b', { values: sequence(rows, 2, 1000) }],
    ['city', { values: sequence(rows, 3, codes.size), codes }],
  ])
}

function runKernel(
  query: Query,
  layout: BlockLayout,
  packed: Uint8Array,
  blocksPerWindow: number,
): Aggregate {
  const blocks = packed.length / layout.blockBytes
  let block = 0
  const next = () => {
    const end = Math.min(block + blocksPerWindow, blocks)
    const window = packed.subarray(block * layout.blockBytes, end * layout.blockBytes)
    new Uint8Array(memory.buffer).set(window)
    block = end
    return window.length
  }
  const instance = new Instance(new Module(compileQuery(query, layout)), { env: { next } })
  const { memory, run } = instance.exports as KernelExports & {
    memory: { buffer: ArrayBuffer; grow(pages: number): void }
  }
  if (memory.buffer.byteLength !== 0) throw new Error('The module has memory of its own')
  memory.grow(Math.ceil((blocksPerWindow * layout.blockBytes) / 65_536))
  const [count, sum, min, max] = run()
  return { count, sum, min, max }
}

const queries: [where: string, value: string][] = [
  ['b > 500', 'b'],
  ['b > 500', 'a'],
  ['b >= 500 and b < 600 or b = 3', 'b * b - 7'],
  ['!(b <= 10) && (a > 0 || b != 77)', '-b'],
  ["city = 'SFO'", 'a'],
  ["city <> 'JFK' and 'OAK' != city", 'b + 2147483647'],
  ['a * b > 1000000', 'a * a'],
  ['a - b < a', 'a - b'],
  ['b > 100000', 'a'],
  ['b >= 0', 'a'],
  ['1 < 2', 'b'],
]

for (const [where, value] of queries) {
  test(`${where}: ${value} is what JavaScript gives`, (t) => {
    const rows = 7 * 1000
    const columns = sampleColumns(rows)
    const codesOf = (name: string) => columns.get(name)?.codes
    const query = {
      filter: resolveTexts(parseExpression(where, schema, 'truth'), codesOf),
      value: resolveTexts(parseExpression(value, schema, 'number'), codesOf),
    }
    const names = columnsOf(query.filter, query.value)
    const layout: BlockLayout = {
      rows: 1000,
      columns: names,
      columnBytes: 4000,
      blockBytes: 4000 * names.length,
    }
    const packed = packBlocks(layout, columns)
    const expected = runInJavaScript(query, columns)
    // Windows of one block, of some with a shorter last one, and all in one.
    for (const blocksPerWindow of [1, 3, 7]) {
      t.deepEqual(runKernel(query, layout, packed, blocksPerWindow), expected)
    }
  })
}

test('a sum beyond 2^53 is exact', (t) => {
  const rows = 4 * 65_536
  const values = new Int32Array(rows).fill(2 ** 31 - 1)
  const columns = new Map([['a', { values }]])
  const query = {
    filter: parseExpression('a > 0', schema, 'truth'),
    value: parseExpression('a', schema, 'number'),
  }
  const layout = layoutFor(['a'], rows)
  const packed = packBlocks(layout, columns)
  const copies = new Uint8Array(packed.length * 20)
  for (let i = 0; i < 20; i++) copies.set(packed, i * packed.length)
  const result = runKernel(query, layout, copies, 80)
  t.is(result.count, BigInt(rows) * 20n)
  t.is(result.sum, BigInt(rows) * 20n * (2n ** 31n - 1n))
  t.true(result.sum > 2n ** 53n)
})
