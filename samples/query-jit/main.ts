// Programs that arrive all the time: compiles a thousand different queries to WebAssembly, one module each, and runs each over
// columns that the host holds. Then again in another process, with the code that the first one kept.
//
//   npm run sample query-jit
//   npm run sample query-jit -- --queries 5000 --rows 1000000 --scale-factor 10
//   npm run sample query-jit -- --where "day >= '2020-01-01' and country <> 'Peru'" --value "price * pieces"

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { startProgress } from '../../terminal/progress.ts'
import { ExpressionError } from '../shared/query-syntax.ts'
import { formatCount, say } from '../shared/report.ts'
import { runSample } from '../shared/run-sample.ts'
import { runOnAllCores } from './all-cores.ts'
import { parseQuery } from './expression.ts'
import { compileQuery, type KernelExports } from './kernel.ts'
import { formatLatencies } from './latencies.ts'
import { type Options, program } from './options.ts'
import type { Outcome } from './query-process.ts'
import { type QueryText, randomQueries } from './random-queries.ts'
import { type Aggregate, agree, loadTable, runInDuckDB, toSql } from './reference.ts'
import { generateSales, sales } from './sales.ts'
import { startQueryProcess } from './start-query-process.ts'
import { runTpch } from './tpch/run.ts'

/** So many of the queries run on all cores, too. */
const parallelQueries = 50

/** A scratch folder, which is removed when the program ends, also by Ctrl-C. */
function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-code-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(signal === 'SIGINT' ? 130 : 143))
  }
  return folder
}

async function runAll(
  label: string,
  queries: QueryText[],
  cache: 'store' | 'load',
  cacheFolder: string,
  blocks: number,
): Promise<Outcome> {
  const progress = startProgress(label, queries.length, formatCount)
  const outcome = await startQueryProcess({ queries, blocks, cache, cacheFolder }, (done) =>
    progress.update(done),
  )
  progress.update(queries.length)
  progress.stop()
  return outcome
}

/** One query, on the spot. */
function runOwnQuery({ where, value }: QueryText, region: HostRegion, blocks: number): Aggregate {
  const query = parseQuery(where, value, sales.columns)
  const started = performance.now()
  const instance = new WebAssembly.Instance(new WebAssembly.Module(compileQuery(query, sales)))
  setWasmInstanceRawMemory(instance, region)
  const { run } = instance.exports as unknown as KernelExports
  const [count, sum, min, max] = run(blocks)
  setWasmInstanceRawMemory(instance, null)
  const milliseconds = performance.now() - started
  const { type } = query.value
  const unit = type.kind === 'number' ? 10 ** type.scale : 1
  const show = (number: bigint | number) => (Number(number) / unit).toLocaleString('en-US')
  say('Query', `sum(${toSql(query.value)}) WHERE ${toSql(query.filter)}`)
  say(
    'Result',
    `${count === 0n ? 'no row' : `count ${formatCount(count)}, sum ${show(sum)}, min ${show(min)}, max ${show(max)}`}; ${milliseconds.toFixed(1)} ms from text to result`,
  )
  return { count, sum, min, max }
}

async function check(
  queries: QueryText[],
  results: readonly Aggregate[],
  connection: DuckDBConnection,
): Promise<void> {
  const progress = startProgress('By DuckDB', queries.length, formatCount)
  for (const [i, { where, value }] of queries.entries()) {
    const query = parseQuery(where, value, sales.columns)
    const expected = await runInDuckDB(query, sales, connection)
    if (!agree(results[i]!, expected)) {
      console.error('WebAssembly:', results[i], 'DuckDB:', expected)
      throw new Error(`The result is wrong: ${value} WHERE ${where}`)
    }
    progress.update(i + 1)
  }
  progress.stop()
}

async function main(options: Options): Promise<void> {
  // What is wrong with it is to be told before anything else is done.
  const own = options.where === undefined ? [] : [{ where: options.where, value: options.value }]
  for (const { where, value } of own) parseQuery(where, value, sales.columns)

  if (options.scaleFactor > 0) await runTpch(options.scaleFactor)

  const blocks = Math.ceil(options.rows / sales.blockRows)
  using region = HostRegion.allocate(blocks * sales.blockBytes)
  generateSales(region)
  say(
    'sales',
    `${formatCount(blocks * sales.blockRows)} rows, ${sales.columns.size} columns: ${formatByteSize(region.byteLength)} of host memory`,
  )
  const ownResults = own.map((query) => runOwnQuery(query, region, blocks))

  const queries = randomQueries(options.queries, options.seed)
  let results: readonly Aggregate[] = []
  if (queries.length > 0) {
    const folder = options.cache ?? temporaryFolder()
    const compiled = await runAll('Compiling', queries, 'store', folder, blocks)
    say(
      'Compiled',
      `${formatCount(queries.length)} queries, one after the other, each from its text:`,
    )
    for (const line of formatLatencies(compiled.latencies)) console.log(line)
    const cached = await runAll('Cached', queries, 'load', folder, blocks)
    say(
      'Cached',
      `the same in a new process, with ${formatByteSize(compiled.stored)} of modules and code from files:`,
    )
    for (const line of formatLatencies(cached.latencies)) console.log(line)
    const different = queries.findIndex((_, i) => !agree(compiled.results[i]!, cached.results[i]!))
    if (different >= 0) {
      throw new Error(`Code from the cache gives another result: ${queries[different]!.where}`)
    }
    results = compiled.results
  }

  const parallel = queries.slice(0, parallelQueries)
  if (parallel.length > 0) {
    let milliseconds = 0
    await runOnAllCores(parallel, region, (result, index, took) => {
      milliseconds += took
      if (agree(result, results[index]!)) return
      throw new Error(`All cores give another result: ${parallel[index]!.where}`)
    })
    say(
      'All cores',
      `${formatCount(parallel.length)} of them on threads that stay, ${(milliseconds / parallel.length).toFixed(1)} ms each: the same results`,
    )
  }

  const all = [...own, ...queries]
  if (all.length === 0) return
  const connection = await loadTable(sales, region)
  await check(all, [...ownResults, ...results], connection)
  connection.closeSync()
  say('Verified', `${formatCount(all.length)} results are those of DuckDB`)
}

await runSample(program, async (options: Options) => {
  try {
    await main(options)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    program.error(`error: ${error.message}`)
  }
})
