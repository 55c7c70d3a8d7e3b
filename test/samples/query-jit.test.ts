import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { CodeCache } from '../../samples/query-jit/code-cache.ts'
import { parseQuery } from '../../samples/query-jit/expression.ts'
import { compileQuery, type KernelExports } from '../../samples/query-jit/kernel.ts'
import { formatLatencies, quantile } from '../../samples/query-jit/latencies.ts'
import { randomQueries } from '../../samples/query-jit/random-queries.ts'
import {
  type Aggregate,
  agree,
  loadTable,
  runInDuckDB,
  toSql,
} from '../../samples/query-jit/reference.ts'
import { countries, generateSales, sales } from '../../samples/query-jit/sales.ts'
import { layOut, type Table } from '../../samples/query-jit/table.ts'
import { ExpressionError } from '../../samples/shared/query-syntax.ts'
import { runScript } from '../support/run-script.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { typescript } from '../support/typescript.ts'

const sample = new URL('../../samples/query-jit/main.ts', import.meta.url)

function runModule(module: WebAssembly.Module, region: HostRegion, blocks: number): Aggregate {
  const instance = new WebAssembly.Instance(module)
  setWasmInstanceRawMemory(instance, region)
  const [count, sum, min, max] = (instance.exports as unknown as KernelExports).run(blocks)
  setWasmInstanceRawMemory(instance, null)
  return { count, sum, min, max }
}

function runKernel(where: string, value: string, table: Table, region: HostRegion): Aggregate {
  const bytes = compileQuery(parseQuery(where, value, table.columns), table)
  return runModule(new WebAssembly.Module(bytes), region, region.byteLength / table.blockBytes)
}

function generate(blocks: number): HostRegion {
  const region = HostRegion.allocate(blocks * sales.blockBytes)
  generateSales(region)
  return region
}

test('every kind of condition and value gives what DuckDB gives', async (t) => {
  using region = generate(2)
  const connection = await loadTable(sales, region)
  const queries = [
    ...randomQueries(80, 7),
    // What no made-up query does.
    { where: '1 < 2', value: '-price' },
    { where: 'price != price', value: 'id' },
    { where: 'pieces < -1 or -pieces >= -3', value: '-(price - 5) * 0.125' },
    { where: "'2018-06-15' > day && country == 'Peru'", value: 'pieces * 1.5 - price' },
    { where: 'price = 10.00 or price = 10', value: 'pieces' },
    { where: 'price / 3 < weight', value: 'weight - price / pieces' },
    { where: 'id - 10000000000 < 20000', value: 'id' },
  ]
  for (const { where, value } of queries) {
    const result = runKernel(where, value, sales, region)
    const expected = await runInDuckDB(parseQuery(where, value, sales.columns), sales, connection)
    t.true(
      agree(result, expected),
      `${value} WHERE ${where}: ${Object.values(result)}, not ${Object.values(expected)}`,
    )
  }
  connection.closeSync()
})

test('results are told apart', (t) => {
  const result = { count: 2n, sum: 3n, min: 1n, max: 2n }
  t.true(agree(result, { ...result }))
  for (const other of [{ count: 3n }, { sum: 4n }, { min: 0n }, { max: 3n }]) {
    t.false(agree(result, { ...result, ...other }))
  }
  t.true(agree({ ...result, count: 0n }, { ...result, count: 0n, min: 7n }))
  const doubles = { count: 2n, sum: 0.3, min: 0.1, max: 0.2 }
  t.true(agree(doubles, { ...doubles, sum: 0.1 + 0.2 }))
  t.false(agree(doubles, { ...doubles, sum: 0.3001 }))
})

test('negative values and the largest ones of every width', (t) => {
  const table = layOut('extremes', 4, {
    a: [{ kind: 'number', scale: 0 }, 'i64'],
    b: [{ kind: 'number', scale: 1 }, 'i32'],
    c: [{ kind: 'number', scale: 2 }, 'i16'],
    d: [{ kind: 'text', values: Array.from({ length: 256 }, (_, i) => `v${i}`) }, 'u8'],
    e: [{ kind: 'double' }, 'f64'],
  })
  t.is(table.blockBytes, 4 * (8 + 4 + 2 + 1 + 8))
  using region = HostRegion.allocate(table.blockBytes)
  const at = (name: string) => table.columns.get(name)!.offset
  region.view(BigInt64Array, at('a'), 4).set([-(2n ** 62n), -1n, 0n, 2n ** 62n])
  region.view(Int32Array, at('b'), 4).set([-(2 ** 31), -1, 0, 2 ** 31 - 1])
  region.view(Int16Array, at('c'), 4).set([-32768, -1, 0, 32767])
  region.view(Uint8Array, at('d'), 4).set([0, 127, 128, 255])
  // Of any alignment.
  region.view(Float64Array, at('e'), 4).set([-0.5, Number.MAX_VALUE, 1e-300, 0])

  const run = (where: string, value: string) =>
    Object.values(runKernel(where, value, table, region))
  t.deepEqual(run('a < 0', 'a'), [2n, -(2n ** 62n) - 1n, -(2n ** 62n), -1n])
  t.deepEqual(run('b <= -0.1', 'b'), [2n, -(2n ** 31n) - 1n, -(2n ** 31n), -1n])
  t.deepEqual(run('c >= 0', 'c'), [2n, 32767n, 0n, 32767n])
  // Scales are made the same: 0.5 - 327.68 and so on, in hundredths.
  t.deepEqual(run("d = 'v255'", 'b + c'), [
    1n,
    21474836470n + 32767n,
    ...Array(2).fill(21474836470n + 32767n),
  ])
  t.deepEqual(run("d <> 'v127' and d <> 'v0'", 'b * c'), [
    2n,
    2147483647n * 32767n,
    0n,
    2147483647n * 32767n,
  ])
  t.deepEqual(run("d = 'v128' or d = 'v0'", 'e * 2'), [2n, -1, -1, 2e-300])
  t.deepEqual(run('e > 1.5', 'c'), [1n, -1n, -1n, -1n])
})

for (const [where, message] of [
  ['prise > 1', /There is no column prise \(there are id, weight, day, price, pieces, country\)/],
  ['price', /Wanted a condition, this is a number/],
  ["'x'", /Wanted a condition, this is 'x'/],
  [
    '1 < price < 5',
    /< needs two numbers, two dates, or a column and a text, not a truth and a number/,
  ],
  ['price and pieces', /&& needs two conditions, not a number and a number/],
  ["price and 'x'", /&& needs two conditions, not a number and 'x'/],
  ['!price', /! needs a condition, not a number/],
  ["!'x'", /! needs a condition, not 'x'/],
  ["day > '2015-02-30'", /'2015-02-30' is not a date such as/],
  ["day > 'today'", /'today' is not a date/],
  ['day > 3', /> needs .* not a date and a number/],
  ['day + 1 > day', /\+ needs two numbers, not a date and a number/],
  ["country > 'Peru'", /> does not work on texts/],
  ["country = 'Atlantis'", /'Atlantis' does not occur \(there are Argentina, /],
  ["'Peru' = 'Peru'", /== needs a column, not 'Peru' and 'Peru'/],
  ['country = country', /== needs .* not a text and a text/],
  ["price = 'Peru'", /== needs two numbers, not 'Peru'/],
  ['-country > 1', /- needs two numbers, not a number and a text/],
  ['price ^ 2 > 1', /There is no operator \^/],
  ['~price > 1', /There is no operator ~/],
  ['price > 1e3', /1e3 is neither a decimal number nor a text/],
  ['price > 1234567890123456.789', /has more than 18 digits/],
  [
    'price * price * price * price * price * price * price * price * price * price > 1',
    /more than 18 decimal places/,
  ],
  ['true', /true is neither a decimal number nor a text/],
  ['f(price) > 1', /CallExpression has no place/],
  ['price >', /Expected expression after >/],
  ['', /has no place in an expression/],
  ['1 < 2', /No column occurs in: 1 < 2, 3/],
] as const) {
  test(`'${where}' is refused`, (t) => {
    const value = where === '1 < 2' ? '3' : 'price'
    t.throws(() => parseQuery(where, value, sales.columns), {
      instanceOf: ExpressionError,
      message,
    })
  })
}

test('a query becomes SQL that means the same', (t) => {
  const sql = (where: string) => toSql(parseQuery(where, 'price', sales.columns).filter)
  t.is(
    sql("!(price <= 0.05) && day = '2016-02-29' or country != 'Peru'"),
    "(((NOT (price <= 0.05)) AND (day = DATE '2016-02-29')) OR (country <> 'Peru'))",
  )
  t.is(sql('weight / 2 > 1.50'), '((weight / 2) > 1.50)')
})

test('code from the cache gives the same result; without, or damaged, there is none', (t) => {
  const folder = join(temporaryFolder(t), 'a', 'b')
  const cache = new CodeCache(folder)
  const query = { where: "country = 'Chile'", value: 'price * pieces' }
  t.is(cache.load(query, sales), undefined)

  using region = generate(1)
  const bytes = compileQuery(parseQuery(query.where, query.value, sales.columns), sales)
  const module = new WebAssembly.Module(bytes)
  const result = runModule(module, region, 1)
  t.true(cache.store(query, sales, bytes, module) > bytes.length)
  t.deepEqual(runModule(cache.load(query, sales)!, region, 1), result)

  // Other queries and tables are other entries.
  t.is(cache.load({ ...query, value: 'price' }, sales), undefined)
  t.is(cache.load(query, { ...sales, blockRows: 8 }), undefined)

  const files = readdirSync(folder)
  t.is(files.length, 2)
  writeFileSync(join(folder, files.find((name) => name.endsWith('.code'))!), 'damaged')
  t.is(cache.load(query, sales), undefined)
})

test('made-up queries differ from each other, and are the same for the same seed', (t) => {
  const queries = randomQueries(500, 3)
  t.is(new Set(queries.map(({ where, value }) => `${where}: ${value}`)).size, 500)
  t.deepEqual(randomQueries(500, 3), queries)
  t.notDeepEqual(randomQueries(500, 4), queries)
})

test('quantiles', (t) => {
  const hundred = Array.from({ length: 100 }, (_, i) => i + 1)
  t.deepEqual(
    [0.5, 0.9, 0.99, 1].map((share) => quantile(hundred, share)),
    [50, 90, 99, 100],
  )
  t.deepEqual(
    [0.5, 0.99, 1].map((share) => quantile([7], share)),
    [7, 7, 7],
  )
  t.deepEqual(formatLatencies(new Map([['attach', [0.001, 2]]])), [
    '                                    p50         p90         p99         max',
    '           attach                1.0 µs     2.00 ms     2.00 ms     2.00 ms',
  ])
})

test.serial('the whole program, small', async (t) => {
  const folder = temporaryFolder(t)
  const cache = join(folder, 'code')
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: [
      ...['--scale-factor', '0.02', '--queries', '20', '--rows', '16384', '--cache', cache],
      ...['--where', "country = 'Peru'", '--value', 'pieces'],
    ],
    env: { TMPDIR: folder },
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^lineitem {3}131,072 rows, 7 columns: 2\.00 MiB of host memory$/m)
  t.regex(stdout, /^Query 6 .* million rows\/s on one thread; DuckDB on all: /m)
  t.regex(
    stdout,
    /^Verified {3}revenue [\d,]+ and the sums of AF [\d,]+, NF [\d,]+, NO [\d,]+, RF [\d,]+ are exactly those of DuckDB$/m,
  )
  t.regex(stdout, /^Query {6}sum\(pieces\) WHERE \(country = 'Peru'\)$/m)
  t.regex(stdout, /^ {11}first run( +[\d.]+ (µs|ms)){4}$/m)
  t.regex(stdout, /^ {11}load code( +[\d.]+ (µs|ms)){4}$/m)
  t.regex(stdout, /^Verified {3}21 results are those of DuckDB$/m)
  t.is(readdirSync(cache).length, 40)
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('v8-rawmem')),
    [],
  )
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looks for a terminal's escapes
  t.notRegex(stdout + stderr, /\u001b/)
})

test.serial('Ctrl-C leaves nothing behind', async (t) => {
  const folder = temporaryFolder(t)
  const child = spawn(
    process.execPath,
    [
      ...[...typescript, fileURLToPath(sample)],
      ...['--scale-factor', '0', '--queries', '3000', '--rows', '16384'],
    ],
    { env: { ...process.env, TMPDIR: folder }, stdio: ['ignore', 'pipe', 'ignore'] },
  )
  await once(child.stdout, 'data')
  const cached = () =>
    readdirSync(folder, { recursive: true }).some((name) => String(name).endsWith('.code'))
  while (!cached()) await new Promise((resolve) => setTimeout(resolve, 20))
  child.kill('SIGINT')
  const [exitCode] = await once(child, 'exit')
  t.is(exitCode, 130)
  t.deepEqual(
    readdirSync(folder).filter((name) => name.startsWith('v8-rawmem')),
    [],
  )
})

for (const [args, message] of [
  [['--where', 'prise > 1'], /^error: There is no column prise/],
  [['--scale-factor', '-1'], /Allowed is a number from 0 to 1000\./],
  [['--queries', '1.5'], /Allowed is an integer from 0 to 1000000\./],
  [['--size', '1'], /unknown option '--size'/],
  [['--queries', '1', '--scale-factor', '0', '--cache', '/dev/null/x'], /^error: .*ENOTDIR/m],
] as const) {
  test.serial(`${args.join(' ')}: an error in a line`, async (t) => {
    const { exitCode, stderr } = await runScript(sample, { args })
    t.is(exitCode, 1)
    t.regex(stderr, message)
    t.notRegex(stderr, /^ {4}at /m)
  })
}

test.serial('--help names the columns and what they hold', async (t) => {
  const { exitCode, stdout } = await runScript(sample, { args: ['--help'] })
  t.is(exitCode, 0)
  for (const text of ['--scale-factor', '--cache', 'decimal (i32)', countries[0], 'date (i32)']) {
    t.true(stdout.includes(text), text)
  }
})
