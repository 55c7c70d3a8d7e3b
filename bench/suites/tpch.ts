import { closeSync, openSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as engine from 'v8-rawmem'
import { loadIntoDuckDB, queryQ1, queryQ6 } from '../../samples/query-jit/tpch/duckdb.ts'
import { blockBytes, generateLineitem } from '../../samples/query-jit/tpch/lineitem.ts'
import { type Q1Exports, q1Arguments, q1Kernel, readQ1 } from '../../samples/query-jit/tpch/q1.ts'
import { type Q6Exports, q6Arguments, q6Kernel } from '../../samples/query-jit/tpch/q6.ts'
import { startProgress } from '../../terminal/progress.ts'
import { writeColumn } from '../columns.ts'
import * as names from '../contenders.ts'
import { type BenchContext, type Suite, withRegion } from '../context.ts'
import { type Copier, WindowCopier, WindowReader } from '../copies.ts'
import type { Variant } from '../native/compiler.ts'
import { type Contender, timed } from '../race.ts'
import { formatSize } from '../report/format.ts'
import { type StockMemory, stock } from '../stock.ts'

export const tpchSuite: Suite = {
  name: 'tpch',
  title: 'TPC-H',
  async run(context) {
    // DuckDB has a copy of the columns, the page cache one of all of it.
    const bytes = context.fit(context.sizes.lineitem, 4, 'lineitem')
    await withRegion(engine.HostRegion.allocate(bytes), async (region) => {
      const generating = startProgress('generating lineitem', bytes, formatSize, { clear: true })
      try {
        for (const done of generateLineitem(region)) {
          context.signal.throwIfAborted()
          generating.update(done)
        }
      } finally {
        generating.stop()
      }
      const loading = startProgress('loading lineitem into DuckDB', bytes, formatSize, {
        clear: true,
      })
      const connection = await loadIntoDuckDB(region, {
        onProgress(loaded) {
          context.signal.throwIfAborted()
          loading.update(loaded)
        },
      }).finally(loading.stop)
      try {
        const setThreads = async (threads: number | undefined) => {
          await connection.run(threads === undefined ? 'RESET threads' : `SET threads = ${threads}`)
        }
        const inDuckDB = (query: () => Promise<bigint>, threads?: number): Contender => ({
          name: threads === undefined ? names.duckdb : names.duckdbOneThread,
          async run() {
            await setThreads(threads)
            const start = performance.now()
            const result = await query()
            return { result, seconds: (performance.now() - start) / 1000 }
          },
        })
        await raceQ6(context, region, [
          inDuckDB(() => queryQ6(connection), 1),
          inDuckDB(() => queryQ6(connection)),
        ])
        const q1Sum = async () => digest(await queryQ1(connection))
        await raceQ1(context, region, [inDuckDB(q1Sum, 1), inDuckDB(q1Sum)])
      } finally {
        connection.closeSync()
      }
    })
  },
}

/** What is compared of query 1: a number that changes with each of the exact sums. */
function digest(rows: ReturnType<typeof readQ1>): bigint {
  let number = 0n
  for (const row of rows) {
    for (const value of [row.quantity, row.basePrice, row.discountedPrice, row.charge, row.count]) {
      number = BigInt.asUintN(64, number * 1_000_003n + value)
    }
  }
  return number
}

async function raceQ6(
  context: BenchContext,
  region: engine.HostRegion,
  databases: readonly Contender[],
): Promise<void> {
  const { sizes, native } = context
  const kernel = q6Kernel()
  const windowSize = wholeBlocks(Math.min(sizes.window, region.byteLength))
  const smallWindow = wholeBlocks(sizes.smallWindow)
  const path = join(context.scratch, 'lineitem')
  await writeColumn(path, region)
  const file = openSync(path, 'r')

  const feeder = new engine.ChunkFeeder(region, { windowSize })
  const { run } = new engine.WebAssembly.Instance(new engine.WebAssembly.Module(kernel), {
    env: { next: feeder.next },
  }).exports as unknown as Q6Exports
  const contenders: Contender[] = [
    {
      name: names.patched,
      run() {
        feeder.rewind()
        return timed(() => run(...q6Arguments))
      },
    },
    {
      name: names.copied,
      note: `windows of ${formatSize(windowSize)}`,
      run: copiedQ6(kernel, region, windowSize, new WindowCopier(region, windowSize)),
    },
    {
      name: names.copiedSmall,
      note: `windows of ${formatSize(smallWindow)}, which stay in the cache`,
      run: copiedQ6(kernel, region, smallWindow, new WindowCopier(region, smallWindow)),
    },
    {
      name: names.read,
      note: `${formatSize(smallWindow)} at a time, from the page cache`,
      run: copiedQ6(kernel, region, smallWindow, new WindowReader(file, smallWindow)),
    },
  ]
  if (native !== undefined) {
    const inNative = (name: string, variant: Variant): Contender => ({
      name,
      run() {
        const [result, seconds] = native.q6(variant, region, q6Arguments)
        return { result, seconds }
      },
    })
    contenders.push(inNative(names.native, 'Simd'), inNative(names.nativeWide, 'Wide'))
  }
  try {
    await context.race({
      suite: tpchSuite.name,
      case: 'Q6',
      contenders: [...contenders, ...databases],
      baseline: native === undefined ? names.copied : names.native,
      unit: 'ms',
      bytes: region.byteLength,
    })
  } finally {
    feeder.close()
    closeSync(file)
    await rm(path)
  }
}

function wholeBlocks(bytes: number): number {
  return Math.max(1, Math.floor(bytes / blockBytes)) * blockBytes
}

function copiedQ6(
  kernel: Uint8Array<ArrayBuffer>,
  region: engine.HostRegion,
  windowSize: number,
  copier: Copier,
): Contender['run'] {
  let bytes = new Uint8Array(0)
  const next = () => copier.copyTo(bytes)
  const { exports } = new stock.Instance(new stock.Module(kernel), { env: { next } })
  const memory = exports.memory as StockMemory
  memory.grow(Math.ceil(windowSize / 65_536))
  bytes = new Uint8Array(memory.buffer)
  const { run } = exports as unknown as Q6Exports
  const over = (bytesToRead: number) => {
    copier.rewind(bytesToRead)
    return run(...q6Arguments)
  }
  // As in copiedScan: until there is optimised code.
  for (let i = 0; i < 50; i++) over(blockBytes)
  return () => timed(() => over(region.byteLength))
}

/**
 * Query 1 has its groups in a memory of its own, and stock Node 20 knows one memory per module
 * only.
 */
async function raceQ1(
  context: BenchContext,
  region: engine.HostRegion,
  databases: readonly Contender[],
): Promise<void> {
  const windowSize = wholeBlocks(Math.min(context.sizes.window, region.byteLength))
  const feeder = new engine.ChunkFeeder(region, { windowSize, memoryIndex: 1 })
  const exports = new engine.WebAssembly.Instance(new engine.WebAssembly.Module(q1Kernel()), {
    env: { next: feeder.next },
  }).exports as unknown as Q1Exports
  try {
    await context.race({
      suite: tpchSuite.name,
      case: 'Q1',
      contenders: [
        {
          name: names.patched,
          run() {
            feeder.rewind()
            const { seconds } = timed(() => exports.run(...q1Arguments))
            return { seconds, result: digest(readQ1(exports)) }
          },
        },
        ...databases,
      ],
      baseline: names.duckdbOneThread,
      unit: 'ms',
      bytes: region.byteLength,
    })
  } finally {
    feeder.close()
  }
}
