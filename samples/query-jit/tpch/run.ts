import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { formatByteSize } from '../../../terminal/byte-size.ts'
import { startProgress } from '../../../terminal/progress.ts'
import { formatCount, say } from '../../shared/report.ts'
import { loadIntoDuckDB, queryQ1, queryQ6 } from './duckdb.ts'
import { blockBytes, blockRows, blocksFor, generateLineitem } from './lineitem.ts'
import { type Q1Exports, q1Arguments, q1Kernel, readQ1 } from './q1.ts'
import { type Q6Exports, q6Arguments, q6Kernel } from './q6.ts'

/** The largest window of whole blocks whose length fits 32 bits. */
const windowSize = 2 ** 32 - blockBytes

/** The best of several runs, of which the first includes compilation. */
const runs = 3

async function best<T>(run: () => T | Promise<T>): Promise<[result: T, seconds: number]> {
  let result = await run()
  let seconds = Number.POSITIVE_INFINITY
  for (let i = 1; i < runs; i++) {
    const started = performance.now()
    result = await run()
    seconds = Math.min(seconds, (performance.now() - started) / 1000)
  }
  return [result, seconds]
}

/** Runs queries 1 and 6 of TPC-H over host memory and in DuckDB, and compares. */
export async function runTpch(scaleFactor: number): Promise<void> {
  using region = HostRegion.allocate(blocksFor(scaleFactor) * blockBytes)
  const rows = (region.byteLength / blockBytes) * blockRows

  const generating = startProgress('Generating', region.byteLength, formatByteSize)
  for (const bytes of generateLineitem(region)) {
    generating.update(bytes)
    // So that Ctrl-C is heard.
    await nextTurn()
  }
  generating.stop()
  say(
    'lineitem',
    `${formatCount(rows)} rows, 7 columns: ${formatByteSize(region.byteLength)} of host memory`,
  )

  const speed = (seconds: number) =>
    `${(seconds * 1000).toFixed(1)} ms, ${formatCount(Math.round(rows / seconds / 1e6))} million rows/s`

  using q6Feeder = new ChunkFeeder(region, { windowSize })
  const q6 = new WebAssembly.Instance(new WebAssembly.Module(q6Kernel()), {
    env: { next: q6Feeder.next },
  }).exports as unknown as Q6Exports
  const [revenue, q6Seconds] = await best(() => {
    q6Feeder.rewind()
    return q6.run(...q6Arguments)
  })

  // Memory 0 is the module's own, for its sums.
  using q1Feeder = new ChunkFeeder(region, { windowSize, memoryIndex: 1 })
  const q1 = new WebAssembly.Instance(new WebAssembly.Module(q1Kernel()), {
    env: { next: q1Feeder.next },
  }).exports as unknown as Q1Exports
  const [summary, q1Seconds] = await best(() => {
    q1Feeder.rewind()
    q1.run(...q1Arguments)
    return readQ1(q1)
  })

  const loading = startProgress('To DuckDB', region.byteLength, formatByteSize)
  const connection = await loadIntoDuckDB(region, { onProgress: (bytes) => loading.update(bytes) })
  loading.stop()
  const [expectedRevenue, duckQ6Seconds] = await best(() => queryQ6(connection))
  const [expectedSummary, duckQ1Seconds] = await best(() => queryQ1(connection))
  connection.closeSync()

  say('Query 6', `${speed(q6Seconds)} on one thread; DuckDB on all: ${speed(duckQ6Seconds)}`)
  say('Query 1', `${speed(q1Seconds)} on one thread; DuckDB on all: ${speed(duckQ1Seconds)}`)
  if (revenue !== expectedRevenue) {
    throw new Error(`Query 6 is wrong: ${revenue}, and ${expectedRevenue} by DuckDB`)
  }
  if (!isDeepStrictEqual(summary, expectedSummary)) {
    console.error('WebAssembly:', summary, 'DuckDB:', expectedSummary)
    throw new Error('Query 1 is wrong')
  }
  const groups = summary.map(({ returnflag, linestatus, count }) => {
    return `${returnflag}${linestatus} ${formatCount(count)}`
  })
  say(
    'Verified',
    `revenue ${formatCount(revenue / 10_000n)} and the sums of ${groups.join(', ')} are exactly those of DuckDB`,
  )
}
