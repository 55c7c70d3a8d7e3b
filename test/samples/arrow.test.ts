import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type Data,
  type DataType,
  Dictionary,
  Float32,
  Float64,
  Int8,
  Int16,
  Int32,
  Int64,
  makeData,
  type RecordBatch,
  Uint8,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { addBatch, type Columns, detachAll } from '../../samples/arrow/add-batch.ts'
import { NoArrowFile, openArrowFile, writeBatches } from '../../samples/arrow/ipc-file.ts'
import {
  groupKernel,
  type KernelExports,
  readTotals,
  type Total,
  UnsupportedType,
} from '../../samples/arrow/kernel.ts'
import { madeUpBatches } from '../../samples/arrow/made-up-batches.ts'
import { runScript } from '../support/run-script.ts'
import { temporaryFile, temporaryFolder } from '../support/temporary-file.ts'

const sample = new URL('../../samples/arrow/main.ts', import.meta.url)
const texts = ['a', 'b', 'c']
const dictionary = vectorFromArray(texts, new Utf8())

function bits(valid: readonly boolean[]): { nullBitmap: Uint8Array; nullCount: number } {
  const nullBitmap = new Uint8Array(Math.ceil(valid.length / 8))
  valid.forEach((isValid, i) => {
    if (isValid) nullBitmap[i >> 3]! |= 1 << (i & 7)
  })
  return { nullBitmap, nullCount: valid.filter((isValid) => !isValid).length }
}

function run(batches: readonly Columns[], groups = texts.length): Total[] {
  const [{ values, indices }] = batches as [Columns]
  const kernel = groupKernel(values.type, indices.type.indices, groups)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(kernel))
  for (const batch of batches) addBatch(instance, batch)
  detachAll(instance)
  return readTotals(instance.exports as unknown as KernelExports, groups)
}

function expected({ values, indices }: Columns): Total[] {
  const totals = Array.from({ length: texts.length + 1 }, () => ({ sum: 0, count: 0n }))
  const isValid = (data: Data, row: number) => data.nullCount === 0 || data.getValid(row)
  for (let row = 0; row < values.length; row++) {
    if (!isValid(values, row)) continue
    const total = totals[isValid(indices, row) ? indices.values[row]! : texts.length]!
    total.sum += Number(values.values[row])
    total.count++
  }
  return totals
}

const rows = 1000
const numbers = Array.from({ length: rows }, (_, i) => ((i * 7919) % 1013) - 500)
const someValues = bits(numbers.map((n) => n % 3 !== 0))
const someIndices = bits(numbers.map((n) => n % 7 !== 0))
const noNulls = { nullCount: 0 }

function doubles(nulls: object, length = rows): Data {
  return makeData({
    type: new Float64(),
    length,
    data: Float64Array.from(numbers, (n) => n / 8),
    ...nulls,
  })
}

function indexed(type: Int8 | Int16 | Int32 | Uint8, nulls: object): Data<Dictionary> {
  const data = new type.ArrayType(rows)
  numbers.forEach((_, i) => {
    data[i] = (i * 31) % texts.length
  })
  return makeData({
    type: new Dictionary(new Utf8(), type as Int32, 0),
    length: rows,
    data: data as Int32Array,
    dictionary,
    ...nulls,
  })
}

for (const [name, valueNulls, indexNulls] of [
  ['no nulls', noNulls, noNulls],
  ['values missing', someValues, noNulls],
  ['indices missing', noNulls, someIndices],
  ['both missing', someValues, someIndices],
] as const) {
  test(`${name}: the sums by group`, (t) => {
    const columns = { values: doubles(valueNulls), indices: indexed(new Int32(), indexNulls) }
    const totals = run([columns])
    t.deepEqual(totals, expected(columns))
    t.is(totals.at(-1)!.count > 0n, indexNulls !== noNulls)
    t.is(
      totals.reduce((sum, { count }) => sum + count, 0n),
      BigInt(rows - valueNulls.nullCount),
    )
  })
}

test('slices, whose bitmaps begin within a byte', (t) => {
  const whole = { values: doubles(someValues), indices: indexed(new Int32(), someIndices) }
  for (const [begin, length] of [
    [1, 100],
    [7, 9],
    [64, 936],
    [999, 1],
    [13, 0],
  ] as const) {
    const slice = {
      values: whole.values.slice(begin, length),
      indices: whole.indices.slice(begin, length) as Data<Dictionary>,
    }
    t.deepEqual(run([slice]), expected(slice), `${begin}, ${length}`)
  }
})

for (const type of [new Float32(), new Int32(), new Int64()]) {
  test(`values of type ${type}`, (t) => {
    const data =
      type instanceof Int64
        ? BigInt64Array.from(numbers, (n) => BigInt(n) * 2n ** 40n)
        : new (type.ArrayType as Int32ArrayConstructor)(numbers)
    const values = makeData({
      type: type as Int32,
      length: rows,
      data: data as Int32Array,
      ...someValues,
    })
    const columns = { values, indices: indexed(new Int32(), noNulls) }
    t.deepEqual(run([columns]), expected(columns))
  })
}

for (const type of [new Int8(), new Uint8(), new Int16()]) {
  test(`indices of type ${type}`, (t) => {
    const columns = { values: doubles(noNulls), indices: indexed(type, someIndices) }
    t.deepEqual(run([columns]), expected(columns))
  })
}

test('an index that the dictionary does not have is a trap', (t) => {
  const indices = indexed(new Int32(), noNulls)
  for (const index of [texts.length, -1, 2 ** 31 - 1]) {
    indices.values[500] = index
    t.throws(() => run([{ values: doubles(noNulls), indices }]), {
      instanceOf: WebAssembly.RuntimeError,
      message: /unreachable/,
    })
  }
})

test('a type that is not supported is named', (t) => {
  t.throws(() => groupKernel(new Utf8() as DataType, new Int32(), 1), {
    instanceOf: UnsupportedType,
    message: 'Values of type Utf8 are not supported (supported are Float64, Float32, Int64, Int32)',
  })
})

test('a file is read where it lies', async (t) => {
  const path = join(temporaryFolder(t), 'table.arrow')
  await writeBatches(path, madeUpBatches(1000, 300))
  using region = HostRegion.mapFile(path)
  const { batches, holds } = openArrowFile(region)
  t.deepEqual(
    batches.map(({ numRows }) => numRows),
    [300, 300, 300, 100],
  )
  const whole = new Uint8Array(region.buffer)
  const made = [...madeUpBatches(1000, 300)]
  for (const [i, batch] of batches.entries()) {
    t.deepEqual(batch.toArray().map(String), made[i]!.toArray().map(String))
    const column = (from: RecordBatch, name: string) => from.getChild(name)!.data[0] as Data
    for (const name of ['city', 'amount']) {
      const { values, nullBitmap, nullCount } = column(batch, name)
      t.true(holds(values))
      if (nullCount > 0) t.true(holds(nullBitmap!))
      t.false(holds(column(made[i]!, name).values))
    }
  }
  // The region sees what is stored through Arrow, so they are the same bytes; the file keeps its own.
  const before = readFileSync(path)
  ;(batches[0]!.getChild('amount')!.data[0] as Data).values.fill(0)
  t.notDeepEqual(Buffer.from(whole), before)
  t.deepEqual(readFileSync(path), before)
})

test('sums of doubles are as near to the exact ones as additions one after the other come', (t) => {
  const batches = [...madeUpBatches(100_000, 30_000)].map((batch): Columns => {
    const [indices, values] = batch.data.children as [Data<Dictionary>, Data]
    return { indices, values }
  })
  const groups = batches[0]!.indices.dictionary!.length
  // The amounts are cents, which add up exactly.
  const cents = new Array<number>(groups + 1).fill(0)
  for (const { values, indices } of batches) {
    for (let row = 0; row < values.length; row++) {
      const group = indices.getValid(row) ? indices.values[row]! : groups
      if (values.getValid(row)) cents[group]! += Math.round(values.values[row] * 100)
    }
  }
  for (const [group, { sum, count }] of run(batches, groups).entries()) {
    const exact = cents[group]! / 100
    t.true(Math.abs(sum - exact) <= exact * Number(count) * 2 ** -53, `${group}: ${sum}, ${exact}`)
  }
})

for (const [name, content] of [
  ['an empty file', ''],
  ['a short one', 'ARROW1'],
  ['a text', 'nothing of that kind at all, but long enough'],
  ['no footer', `ARROW1\0\0${'\0'.repeat(40)}`],
  ['a footer that is too long', `ARROW1\0\0${'\0'.repeat(40)}\xff\xff\xff\x7fARROW1`],
  ['a footer of other bytes', `ARROW1\0\0${'\x7f'.repeat(40)}\x20\0\0\0ARROW1`],
  ['a footer of no length', `ARROW1\0\0${'\0'.repeat(40)}\0\0\0\0ARROW1`],
] as const) {
  test(`${name} is no Arrow file`, (t) => {
    using region = HostRegion.mapFile(temporaryFile(t, Buffer.from(content, 'latin1')))
    t.throws(() => openArrowFile(region), { instanceOf: NoArrowFile })
  })
}

test.serial('the whole program, small', async (t) => {
  const folder = temporaryFolder(t)
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '1MiB', '--batch-rows', '30001'],
    env: { TMPDIR: folder },
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Table {6}85,598 rows in 3 record batches; [\d.]+ KiB of a mapped file$/m)
  t.regex(stdout, /^Group {6}\S+: sum [\d,.]+, count [\d,]+$/m)
  t.regex(stdout, /^Verified {3}all sums and counts are exactly those of Arrow/m)
  t.regex(stdout, /^Copied {5}0 bytes: of the 11 buffers .* 11 lie in the mapped file$/m)
  t.regex(stdout, /^Shared/m)
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('v8-rawmem')),
    [],
  )
})

test.serial('files and columns that do not fit are told in a line', async (t) => {
  const folder = temporaryFolder(t)
  const path = join(folder, 'table.arrow')
  await writeBatches(path, madeUpBatches(100, 100))
  const text = join(folder, 'table.txt')
  writeFileSync(text, 'no table, just some text')
  for (const [args, message] of [
    [
      ['--file', path, '--group', 'town'],
      /There is no column town; there are city \(.*\), amount \(Float64\)$/m,
    ],
    [['--file', path, '--group', 'amount'], /--group amount is Float64, not texts in a dictionary/],
    [['--file', path, '--value', 'city'], /Values of type Dictionary.* are not supported/],
    [['--file', text], /This is no Arrow IPC file/],
    [['--file', join(folder, 'none')], /ENOENT/],
    [['--file', path, '--size', '1MiB'], /cannot be used with option '--size <bytes>'/],
  ] as const) {
    const { exitCode, stderr } = await runScript(sample, { args })
    t.is(exitCode, 1, args.join(' '))
    t.regex(stderr, /^error: /m)
    t.regex(stderr, message)
  }
})
