// Columns of Arrow and Parquet files, which other libraries wrote.

import {
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import {
  Bool,
  CompressionType,
  compressionRegistry,
  type DataType,
  DateDay,
  Dictionary,
  Field,
  Float32,
  Float64,
  Int32,
  Int64,
  List,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMicrosecond,
  Uint32,
  Utf8,
  vectorFromArray,
} from 'apache-arrow'
import test, { type ExecutionContext } from 'ava'
import { compileC } from '../support/compile-c.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { type Ended, start } from './command.ts'

const { command } = compilePackage()
const run = (...args: string[]) => start([...command, 'run', ...args]).ended

const library = await compileC(
  `#include <rawmem.h>
  #define EXPORT(name) __attribute__((export_name(#name)))
  #define ROWS 4096
  uint64_t counts[4];
  EXPORT(run) double run(void) {
    double total = 0;
    size_t length;
    const double *prices;
    while ((prices = rawmem_next(0, RAWMEM_ALL, &length)) != NULL) {
      for (size_t i = 0; i < length / sizeof *prices; ++i) total += prices[i];
      counts[0] += length / sizeof *prices;
    }
    ++counts[1];
    return total;
  }
  EXPORT(valid) double valid(void) {
    double total = 0;
    uint64_t rows = rawmem_size(0) / sizeof(double);
    if (rawmem_size(1) != (rows + 7) / 8) __builtin_trap();
    for (uint64_t first = 0; first < rows; first += ROWS) {
      size_t length, ignored;
      const double *prices = rawmem_map(0, first * 8, ROWS * 8, &length);
      const uint8_t *bits = rawmem_map(1, first / 8, ROWS / 8, &ignored);
      for (size_t i = 0; i < length / 8; ++i)
        if (bits[i / 8] >> i % 8 & 1) total += prices[i], ++counts[2];
    }
    return total;
  }
  EXPORT(revenue) double revenue(void) {
    double total = 0;
    uint64_t rows = rawmem_size(0) / 8;
    if (rawmem_size(1) != rows * 4) __builtin_trap();
    for (uint64_t first = 0; first < rows; first += ROWS) {
      size_t length, ignored;
      const double *prices = rawmem_map(0, first * 8, ROWS * 8, &length);
      const uint32_t *volumes = rawmem_map(1, first * 4, ROWS * 4, &ignored);
      for (size_t i = 0; i < length / 8; ++i) total += prices[i] * volumes[i];
    }
    return total;
  }
  EXPORT(longs) int64_t longs(void) {
    int64_t total = 0;
    size_t length;
    const int64_t *values;
    while ((values = rawmem_next(0, RAWMEM_ALL, &length)) != NULL)
      for (size_t i = 0; i < length / 8; ++i) total += values[i];
    return total;
  }
  EXPORT(ints) int64_t ints(void) {
    int64_t total = 0;
    size_t length;
    const int32_t *values;
    while ((values = rawmem_next(0, RAWMEM_ALL, &length)) != NULL)
      for (size_t i = 0; i < length / 4; ++i) total += values[i];
    return total;
  }
  EXPORT(bytes) int64_t bytes(void) {
    int64_t total = 0;
    size_t length;
    const int8_t *values;
    while ((values = rawmem_next(0, RAWMEM_ALL, &length)) != NULL)
      for (size_t i = 0; i < length; ++i) total += values[i];
    return total;
  }`,
  ['-mexec-model=reactor', '-Wl,--export=counts'],
)

/** Rows of record batches and row groups; no multiples of eight. */
const batchRows = [1003, 5001, 4003]
const rows = batchRows.reduce((sum, count) => sum + count, 0)
const isNull = (row: number) => row % 17 === 0
const price = (row: number) => (row % 1000) / 4
/** Few that need the 32nd bit, so that sums stay exact. */
const volume = (row: number) => (row % 100 === 1 ? 4_000_000_000 : row % 7)
const at = (row: number) => 1_700_000_000_000_000n + BigInt(row)
const day = (row: number) => (row % 400) - 200
const all = Array.from({ length: rows }, (_, row) => row)
const total = all.reduce((sum, row) => sum + price(row), 0)
const validTotal = all.reduce((sum, row) => sum + (isNull(row) ? 0 : price(row)), 0)
const revenue = all.reduce((sum, row) => sum + price(row) * volume(row), 0)
const longs = all.reduce((sum, row) => sum + at(row), 0n)
const days = all.reduce((sum, row) => sum + day(row), 0)
const validRows = all.filter((row) => !isNull(row)).length

const cityType = new Dictionary(new Utf8(), new Int32(), 0)
const cities = vectorFromArray(['Kyiv', 'Lima'], new Utf8())

/** Columns of many types in front of those that are read, so that their buffers must be found. */
const fields: [string, DataType, (row: number) => unknown][] = [
  ['text', new Utf8(), (row) => (row % 3 === 0 ? null : `text ${row}`)],
  ['list', new List(new Field('item', new Int32(), true)), (row) => [row, row + 1]],
  ['flag', new Bool(), (row) => row % 2 === 0],
  [
    'pair',
    new Struct([new Field('a', new Utf8(), true), new Field('b', new Float32(), true)]),
    (row) => ({ a: 'x', b: row }),
  ],
  ['city', cityType, () => null],
  ['amount', new Float64(), price],
  ['volume', new Uint32(), volume],
  ['at', new TimestampMicrosecond(), () => null],
  ['day', new DateDay(), () => null],
  ['long', new Int64(), at],
]

/** Garbage where there are nulls, as is allowed. */
function priceData(first: number, count: number) {
  const bits = new Uint8Array(Math.ceil(count / 8))
  let nullCount = 0
  const data = Float64Array.from({ length: count }, (_, i) => {
    if (isNull(first + i)) {
      nullCount++
      return 1e9
    }
    bits[i >> 3]! |= 1 << (i & 7)
    return price(first + i)
  })
  // One batch has no nulls in it, and so no bitmap.
  return first === 0 || nullCount > 0
    ? makeData({ type: new Float64(), length: count, data, nullBitmap: bits, nullCount })
    : makeData({ type: new Float64(), length: count, data, nullCount: 0 })
}

function batches(): RecordBatch[] {
  let first = 0
  return batchRows.map((count) => {
    const begin = first
    first += count
    const children = fields.map(([name, type, value]) => {
      const span = { type, length: count, nullCount: 0 }
      if (name === 'city') {
        const data = Int32Array.from({ length: count }, (_, i) => i % 2)
        return makeData({ ...span, type: cityType, data, dictionary: cities })
      }
      if (name === 'at') {
        const data = BigInt64Array.from({ length: count }, (_, i) => at(begin + i))
        return makeData({ ...span, type: new TimestampMicrosecond(), data })
      }
      if (name === 'day') {
        const data = Int32Array.from({ length: count }, (_, i) => day(begin + i))
        return makeData({ ...span, type: new DateDay(), data })
      }
      const values = Array.from({ length: count }, (_, i) => value(begin + i))
      return vectorFromArray(values, type).data[0]!
    })
    const prices = priceData(begin, count)
    const schema = new Schema([
      ...fields.map(([name, type]) => new Field(name, type, true)),
      new Field('price', new Float64(), true),
    ])
    return new RecordBatch(
      schema,
      makeData({
        type: new Struct(schema.fields),
        length: count,
        children: [...children, prices],
        nullCount: 0,
      }),
    )
  })
}

const arrowBytes = RecordBatchFileWriter.writeAll(batches()).toUint8Array(true)

const select = `SELECT
  CASE WHEN i % 3 = 0 THEN NULL ELSE 'text ' || i END AS text, [i, i + 1] AS list, i % 2 = 0 AS flag,
  (i % 1000) / 4.0::DOUBLE AS amount, (CASE WHEN i % 100 = 1 THEN 4000000000 ELSE i % 7 END)::UINTEGER AS volume,
  make_timestamp(1700000000000000 + i) AS at, DATE '1970-01-01' + (i % 400 - 200)::INTEGER AS day,
  1700000000000000 + i AS long, (i % 256 - 128)::TINYINT AS tiny, 1.25::DECIMAL(10, 2) AS exact,
  {'a': i} AS pair,
  CASE WHEN i % 17 = 0 THEN NULL ELSE (i % 1000) / 4.0::DOUBLE END AS price FROM range(${rows}) t(i)`

async function writeParquet(path: string, options: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    await connection.run(`COPY (${select}) TO '${path}' (FORMAT parquet, ${options})`)
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}

async function files(t: ExecutionContext) {
  const folder = temporaryFolder(t)
  const path = (name: string) => join(folder, name)
  writeFileSync(path('library.wasm'), library)
  writeFileSync(path('table.arrow'), await arrowBytes)
  await writeParquet(path('table.parquet'), 'ROW_GROUP_SIZE 4096, COMPRESSION zstd')
  return path
}

const kinds = ['table.arrow', 'table.parquet']
const sum = ['--merge', 'sum']

test('a C program sums a column in one command, in batches, by threads', async (t) => {
  const path = await files(t)
  for (const [i, kind] of kinds.entries()) {
    const words = [path('library.wasm'), '--map', path(kind), '--column', 'amount:f64']
    const { exitCode, stdout, stderr } = await run(...words, ...sum)
    t.is(exitCode, 0, stderr)
    t.is(Number(stdout), total)
    const unit = ['record batches', 'row groups'][i]
    t.regex(stderr, new RegExp(`^amount: f64; ${rows} rows in 3 ${unit}\\n`))

    const parallel = await run(
      ...words,
      ...sum,
      ...['--parallel', '2', '--print', 'u64:2@counts', '--json', '--window', '4096'],
    )
    t.like(JSON.parse(parallel.stdout), {
      result: total,
      arrays: [{ print: 'u64:2@counts', values: [String(rows), '3'] }],
      columns: [{ name: 'amount', type: 'f64' }],
      rows,
      batches: 3,
      bytes: rows * 8,
      workers: 2,
    })
    const list = await run(...words)
    t.is(list.stdout.split('\n').length, 4, list.stderr)
  }
})

test('types are those of memory: unsigned, dates and timestamps as integers', async (t) => {
  const path = await files(t)
  for (const kind of kinds) {
    const words = [path('library.wasm'), '--map', path(kind), ...sum]
    const both = await run(
      ...[...words, '--export', 'revenue', '--column', 'amount', '--column', 'volume:u32'],
    )
    t.is(Number(both.stdout), revenue, both.stderr)
    for (const [column, name, expected] of [
      ['at:i64', 'longs', longs],
      ['long', 'longs', longs],
      ['day:i32', 'ints', days],
    ] as const) {
      const { stdout, stderr } = await run(...words, '--export', name, '--column', column)
      t.is(stdout, `${expected}\n`, stderr)
    }
  }
  const tiny = all.reduce((sum, row) => sum + (row % 256) - 128, 0)
  const words = [path('library.wasm'), '--map', path('table.parquet'), ...sum]
  const { stdout, stderr } = await run(...words, '--export', 'bytes', '--column', 'tiny:i8')
  t.is(stdout, `${tiny}\n`, stderr)
})

function refused(t: ExecutionContext, { exitCode, stdout, stderr }: Ended, message: RegExp): void {
  t.regex(stderr, message)
  t.regex(stderr, /^error: .*\n$/)
  t.is(exitCode, 1)
  t.is(stdout, '')
}

test('nulls are an error, a bitmap or zeros, and never values', async (t) => {
  const path = await files(t)
  for (const kind of kinds) {
    const words = [path('library.wasm'), '--map', path(kind), '--column', 'price', ...sum]
    refused(
      t,
      await run(...words),
      /price has nulls: \d+ in (?:record batch|row group) 1\. Give --nulls bitmap .* --nulls zero/,
    )
    const valid = await run(
      ...words,
      ...['--nulls', 'bitmap', '--export', 'valid', '--print', 'u64:3@counts'],
    )
    t.is(valid.stdout, `${validTotal}\n0 0 ${validRows}\n`, valid.stderr)
    const zero = await run(...words, '--nulls', 'zero')
    t.is(Number(zero.stdout), validTotal, zero.stderr)
    // A column without nulls has a bitmap of ones.
    const amount = words.with(4, 'amount')
    const ones = await run(...amount, '--nulls', 'bitmap', '--export', 'valid')
    t.is(Number(ones.stdout), total, ones.stderr)
  }
})

test('what cannot be shown is refused, with what there is', async (t) => {
  const path = await files(t)
  for (const kind of kinds) {
    const words = [path('library.wasm'), '--map', path(kind), '--column']
    refused(t, await run(...words, 'cost'), /no column cost\. Its columns are: text, list, .*price/)
    refused(t, await run(...words, 'text'), /Column text has the type .*, which no window can show/)
    refused(t, await run(...words, 'flag'), /Column flag has the type Bool/i)
    refused(t, await run(...words, 'list'), /Column list has the type/)
    refused(t, await run(...words, 'pair'), /Column pair has the type/)
    refused(t, await run(...words, 'volume:f64'), /volume has the type u32, and not f64/)
    refused(t, await run(...words, 'amount', '--part', '1/2'), /--part does not go with --column/)
    refused(t, await run(...words, 'amount', '--record-bytes', '8'), /--record-bytes does not go/)
    refused(t, await run(...words, 'amount', '--print', 'u64:1@counts'), /Arrays of 3 .* --merge/)
    const nine = Array.from({ length: 5 }, () => ['--column', 'amount'])
      .flat()
      .slice(1)
    refused(
      t,
      await run(...words, ...nine, '--nulls', 'bitmap'),
      /take 10 windows with their bitmaps/,
    )
  }
  const parquet = [path('library.wasm'), '--map', path('table.parquet'), '--column']
  refused(t, await run(...parquet, 'exact'), /Column exact has the type DECIMAL/)
  const plain = [path('library.wasm'), '--map', path('library.wasm')]
  refused(
    t,
    await run(...plain, '--column', 'a'),
    /is neither an Arrow IPC file nor a Parquet file/,
  )
  refused(t, await run(...plain, '--nulls', 'zero'), /--nulls is for columns/)
  refused(t, await run(...plain, ...plain.slice(1), '--column', 'a'), /one table, and there are 2/)
})

test('compressed, cut and streamed Arrow files are refused', async (t) => {
  const path = await files(t)
  const read = (name: string) =>
    run(path('library.wasm'), '--map', path(name), '--column', 'amount')
  // The codec does not matter, as nothing is decompressed; the writer looks for the mark of a frame.
  compressionRegistry.set(CompressionType.ZSTD, {
    encode: (bytes) => new Uint8Array([0x28, 0xb5, 0x2f, 0xfd, 0, 0, 0, 0, 0, ...bytes]),
  })
  const writer = new RecordBatchFileWriter({ compressionType: CompressionType.ZSTD })
  for (const batch of batches().slice(0, 1)) writer.write(batch)
  writer.close()
  writeFileSync(path('compressed.arrow'), await writer.toUint8Array())
  refused(t, await read('compressed.arrow'), /has compressed buffers.* compression='uncompressed'/)

  const bytes = await arrowBytes
  cpSync(path('table.arrow'), path('cut.arrow'))
  truncateSync(path('cut.arrow'), bytes.length - 3)
  refused(t, await read('cut.arrow'), /cut\.arrow is damaged: it has no footer/)

  const stream = await RecordBatchStreamWriter.writeAll(batches()).toUint8Array(true)
  writeFileSync(path('stream.arrow'), stream)
  refused(
    t,
    await read('stream.arrow'),
    /neither an Arrow IPC file .*streams have to be written as files/,
  )
})

test('an Arrow file of the other byte order is refused', async (t) => {
  const path = await files(t)
  // No columns, no batches, and Endianness.Big.
  const footer = Buffer.from(
    '04000000f4ffffff100000000000040008000c000a00040008000000080000000000010000000000',
    'hex',
  )
  const length = Buffer.alloc(4)
  length.writeInt32LE(footer.length)
  writeFileSync(
    path('big.arrow'),
    Buffer.concat([Buffer.from('ARROW1\0\0'), footer, length, Buffer.from('ARROW1')]),
  )
  const words = [path('library.wasm'), '--map', path('big.arrow'), '--column', 'amount']
  refused(t, await run(...words), /big\.arrow has big-endian values/)
})

test('codecs of Parquet, and a damaged file', async (t) => {
  const path = await files(t)
  const words = [path('library.wasm'), '--column', 'amount', ...sum, '--map']
  for (const codec of ['uncompressed', 'snappy', 'gzip', 'lz4_raw', 'brotli']) {
    await writeParquet(path(`${codec}.parquet`), `COMPRESSION ${codec}`)
    const { stdout, stderr } = await run(...words, path(`${codec}.parquet`))
    t.is(Number(stdout), total, `${codec}: ${stderr}`)
  }
  const bytes = readFileSync(path('table.parquet'))
  writeFileSync(path('cut.parquet'), bytes.subarray(0, bytes.length - 5))
  refused(t, await run(...words, path('cut.parquet')), /cut\.parquet cannot be decoded/)
})

test('Arrow needs a package, which may be missing', async (t) => {
  const path = await files(t)
  const packageFolder = dirname(compilePackage().dist)
  cpSync(join(packageFolder, 'dist'), path('dist'), { recursive: true })
  cpSync(join(packageFolder, 'package.json'), path('package.json'))
  const { dependencies } = JSON.parse(readFileSync(path('package.json'), 'utf8'))
  mkdirSync(path('node_modules'))
  for (const name of [...Object.keys(dependencies), '@v8-rawmem']) {
    symlinkSync(
      realpathSync(join(packageFolder, 'node_modules', name)),
      path(`node_modules/${name}`),
    )
  }
  const installed = (kind: string) =>
    start([
      ...[process.execPath, path('dist/cli/main.js'), 'run', path('library.wasm')],
      ...['--map', path(kind), '--column', 'amount', ...sum],
    ]).ended
  refused(
    t,
    await installed('table.arrow'),
    /apache-arrow, which cannot be loaded.*npm install apache-arrow/,
  )
  const { stdout, stderr } = await installed('table.parquet')
  t.is(Number(stdout), total, stderr)
})
