import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { loadIntoDuckDB, queryQ1, queryQ6 } from '../../samples/query-jit/tpch/duckdb.ts'
import {
  blockBytes,
  blockRows,
  blocksFor,
  dayOf,
  generateLineitem,
  lineitem,
  lineStatuses,
  returnFlags,
} from '../../samples/query-jit/tpch/lineitem.ts'
import {
  type Q1Exports,
  type Q1Row,
  q1Arguments,
  q1Kernel,
  readQ1,
} from '../../samples/query-jit/tpch/q1.ts'
import { type Q6Exports, q6Arguments, q6Kernel } from '../../samples/query-jit/tpch/q6.ts'

function generate(blocks: number, firstBlock?: number): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(blocks * blockBytes)
  for (const _ of generateLineitem(region, firstBlock));
  return region
}

const views = { i32: Int32Array, i16: Int16Array, u8: Uint8Array }

function columnOf(region: HostRegion, name: keyof typeof lineitem, block: number) {
  const { type, offset } = lineitem[name]
  return region.view<Int32Array | Int16Array | Uint8Array>(
    views[type],
    block * blockBytes + offset,
    blockRows,
  )
}

type Line = Record<keyof typeof lineitem, number>

function* linesOf(region: HostRegion): Generator<Line> {
  const names = Object.keys(lineitem) as (keyof typeof lineitem)[]
  for (let block = 0; block < region.byteLength / blockBytes; block++) {
    const columns = names.map((name) => [name, columnOf(region, name, block)] as const)
    for (let row = 0; row < blockRows; row++) {
      yield Object.fromEntries(columns.map(([name, values]) => [name, values[row]])) as Line
    }
  }
}

/** An instance that gets `region` as windows of some blocks. */
function start<TExports>(
  kernel: Uint8Array<ArrayBuffer>,
  region: HostRegion,
  memoryIndex: number,
  blocksPerWindow: number,
): TExports {
  let position = 0
  const next = () => {
    const window = region.subarray(position, position + blocksPerWindow * blockBytes)
    position = window.byteLength === 0 ? 0 : position + window.byteLength
    setWasmInstanceRawMemory(instance, window.byteLength === 0 ? null : window, memoryIndex)
    return window.byteLength
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(kernel), { env: { next } })
  return instance.exports as TExports
}

function revenue(region: HostRegion, [from, before, low, high, below]: readonly number[]): bigint {
  let sum = 0
  for (const { shipdate, discount, quantity, extendedprice } of linesOf(region)) {
    const counts =
      shipdate >= from! &&
      shipdate < before! &&
      discount >= low! &&
      discount <= high! &&
      quantity < below!
    if (counts) sum += extendedprice * discount
  }
  return BigInt(sum)
}

function pricingSummary(region: HostRegion, until: number): Q1Row[] {
  const groups = new Map<string, { -readonly [K in keyof Q1Row]: Q1Row[K] }>()
  for (const line of linesOf(region)) {
    if (line.shipdate > until) continue
    const returnflag = returnFlags[line.returnflag]!
    const linestatus = lineStatuses[line.linestatus]!
    const key = returnflag + linestatus
    const group = groups.get(key) ?? {
      ...{ returnflag, linestatus, quantity: 0n, basePrice: 0n, discountedPrice: 0n },
      ...{ charge: 0n, discount: 0n, count: 0n },
    }
    const reduced = BigInt(line.extendedprice * (100 - line.discount))
    group.quantity += BigInt(line.quantity)
    group.basePrice += BigInt(line.extendedprice)
    group.discountedPrice += reduced
    group.charge += reduced * BigInt(100 + line.tax)
    group.discount += BigInt(line.discount)
    group.count++
    groups.set(key, group)
  }
  return [...groups.keys()].sort().map((key) => groups.get(key)!)
}

test('lineitem has the ranges and frequencies of the specification', (t) => {
  using region = generate(4)
  const seen = new Map<string, Set<number>>()
  let orders = 0
  let late = 0
  let previous = 0
  let returned = 0
  let finished = 0
  for (const line of linesOf(region)) {
    for (const [name, value] of Object.entries(line)) {
      seen.set(name, (seen.get(name) ?? new Set()).add(value))
    }
    if (Math.abs(line.shipdate - previous) > 121) orders++
    previous = line.shipdate
    if (line.shipdate > dayOf('1998-09-02')) late++
    const pieces = line.quantity / 100
    const retailPrice = line.extendedprice / pieces
    if (!Number.isInteger(retailPrice) || retailPrice < 90_000 || retailPrice > 209_899) {
      t.fail(`retail price ${retailPrice}`)
    }
    if ((line.linestatus === 1) !== line.shipdate > dayOf('1995-06-17')) t.fail('linestatus')
    if (line.returnflag !== 1) {
      finished++
      if (line.returnflag === 2) returned++
      if (line.linestatus === 1) t.fail('returned before it was sent')
    }
  }
  const range = (name: string) => {
    const values = [...seen.get(name)!].sort((a, b) => a - b)
    return [values[0], values.at(-1), values.length]
  }
  t.deepEqual(range('quantity'), [100, 5000, 50])
  t.deepEqual(range('discount'), [0, 10, 11])
  t.deepEqual(range('tax'), [0, 8, 9])
  t.deepEqual(range('returnflag'), [0, 2, 3])
  t.deepEqual(range('linestatus'), [0, 1, 2])
  const [first, last] = range('shipdate')
  t.true(first! >= dayOf('1992-01-02') && first! < dayOf('1992-02-01'))
  t.true(last! <= dayOf('1998-12-01') && last! > dayOf('1998-11-01'))
  const rows = 4 * blockRows
  // Nine of ten orders are told from the one before by their dates.
  t.true(orders > rows / 5 && orders < rows / 4, `${orders} orders`)
  t.true(late > rows * 0.01 && late < rows * 0.03, `${late} rows that query 1 leaves out`)
  t.true(Math.abs(returned / finished - 0.5) < 0.01)
})

test('a block depends on its number only', (t) => {
  using all = generate(3)
  using last = generate(1, 2)
  t.deepEqual(all.view(Uint8Array, 2 * blockBytes), last.view(Uint8Array))
  t.notDeepEqual(all.view(Uint8Array, 0, blockBytes), last.view(Uint8Array))
})

test('only whole blocks are filled', (t) => {
  using region = HostRegion.allocate(blockBytes + 1)
  t.throws(() => generateLineitem(region).next(), {
    instanceOf: RangeError,
    message: 'lineitem comes in blocks of 524288 bytes, the region has 524289',
  })
  t.is(blocksFor(1), 183)
  t.is(blocksFor(0), 1)
})

const windows = [1, 2, 5]

test('query 6 gives what JavaScript gives, whatever the windows', (t) => {
  using region = generate(5)
  const cases: Parameters<Q6Exports['run']>[] = [
    [...q6Arguments],
    // Each bound in turn, at values that occur.
    [dayOf('1993-03-01'), dayOf('1998-11-30'), 0, 10, 5001],
    [dayOf('1992-01-01'), dayOf('1999-01-01'), 5, 5, 100],
    [dayOf('1992-01-01'), dayOf('1999-01-01'), 10, 10, 200],
    [dayOf('1997-07-07'), dayOf('1997-07-08'), 0, 0, 5001],
    [dayOf('1997-07-07'), dayOf('1997-07-07'), 0, 10, 5001],
  ]
  for (const parameters of cases) {
    const expected = revenue(region, parameters)
    for (const blocksPerWindow of windows) {
      const { run } = start<Q6Exports>(q6Kernel(), region, 0, blocksPerWindow)
      t.is(run(...parameters), expected)
      t.is(run(...parameters), expected, 'again')
    }
  }
})

test('query 1 gives what JavaScript gives, whatever the windows', (t) => {
  using region = generate(5)
  for (const until of [...q1Arguments, dayOf('1999-01-01'), dayOf('1995-06-17'), dayOf('1992')]) {
    const expected = pricingSummary(region, until)
    for (const blocksPerWindow of windows) {
      const exports = start<Q1Exports>(q1Kernel(), region, 1, blocksPerWindow)
      exports.run(until)
      exports.run(until)
      t.deepEqual(readQ1(exports), expected)
    }
  }
})

test('the largest values there are do not overflow', (t) => {
  using region = generate(2)
  for (let block = 0; block < 2; block++) {
    columnOf(region, 'extendedprice', block).fill(10_494_950)
    columnOf(region, 'quantity', block).fill(5000)
    columnOf(region, 'discount', block).fill(10)
    columnOf(region, 'tax', block).fill(8)
    columnOf(region, 'returnflag', block).fill(2)
    columnOf(region, 'linestatus', block).fill(1)
  }
  const exports = start<Q1Exports>(q1Kernel(), region, 1, 2)
  exports.run(dayOf('1999-01-01'))
  const expected = pricingSummary(region, dayOf('1999-01-01'))
  t.is(expected.length, 1)
  t.deepEqual(readQ1(exports), expected)
  const parameters = [0, dayOf('1999-01-01'), 0, 10, 5001] as const
  const { run } = start<Q6Exports>(q6Kernel(), region, 0, 2)
  t.is(run(...parameters), revenue(region, parameters))
})

test('both queries give exactly what DuckDB gives', async (t) => {
  using region = generate(6)
  const loaded: number[] = []
  const connection = await loadIntoDuckDB(region, {
    threads: 1,
    onProgress: (bytes) => loaded.push(bytes),
  })
  t.is(loaded.at(-1), region.byteLength)
  const q6 = start<Q6Exports>(q6Kernel(), region, 0, 4)
  t.is(q6.run(...q6Arguments), await queryQ6(connection))
  const q1 = start<Q1Exports>(q1Kernel(), region, 1, 4)
  q1.run(...q1Arguments)
  t.deepEqual(readQ1(q1), await queryQ1(connection))
  t.is(readQ1(q1).length, 4)
})
