import { availableParallelism } from 'node:os'
import { HostRegion, parallelScan, ScanPool } from 'v8-rawmem'
import { fillColumn } from '../columns.ts'
import type { BenchContext, Suite } from '../context.ts'
import { hashKernel, hashRounds } from '../kernels/hashes.ts'
import type { Contender } from '../race.ts'
import { StockThreads } from '../stock-threads.ts'

export const oneThread = 'a pool of one thread'
export const allThreads = 'a pool of all cores'

/** Queries one after the other that are bound by computation. */
export const parallelSuite: Suite = {
  name: 'parallel',
  title: 'Queries on all cores',
  async run(context) {
    const bytes = context.quick ? 2 ** 18 : 2 ** 23
    const region = HostRegion.allocate(bytes)
    const pools = [
      [oneThread, new ScanPool({ workers: 1 })],
      [allThreads, new ScanPool({ workers: availableParallelism() })],
    ] as const
    try {
      fillColumn(region, 'i32')
      await raceThreads(context, region, pools)
    } finally {
      await Promise.all(pools.map(([, pool]) => pool.close()))
      region.close()
    }
  },
}

async function raceThreads(
  context: BenchContext,
  region: HostRegion,
  pools: readonly (readonly [string, ScanPool])[],
): Promise<void> {
  const kernel = hashKernel()
  const queries = context.quick ? 2 : 10
  const parts = 4 * availableParallelism()
  const data = new SharedArrayBuffer(region.byteLength)
  new Uint8Array(data).set(region.view(Uint8Array))
  const stockThreads = await StockThreads.start(availableParallelism(), { kernel, data, parts })
  const options = {
    args: [hashRounds],
    parts,
    recordBytes: 4,
    merge: (sums: bigint[]) => sums.reduce((a, b) => a + b),
  }
  /** The wall time of all queries: threads are there to shorten it. */
  const contender = (name: string, query: () => Promise<bigint>, note?: string): Contender => ({
    name,
    ...(note === undefined ? {} : { note }),
    async run() {
      let result = 0n
      const started = performance.now()
      for (let i = 0; i < queries; ++i) result = await query()
      return { seconds: (performance.now() - started) / 1000, operations: queries, result }
    },
  })
  try {
    await context.race({
      suite: parallelSuite.name,
      case: 'a query of some 50 ms, wall time',
      contenders: [
        ...pools.map(([name, pool]) =>
          contender(name, () => pool.scan<bigint, bigint>(kernel, region, options)),
        ),
        contender(
          'parallelScan',
          () => parallelScan<bigint, bigint>(kernel, region, options),
          'starts its threads anew for each query',
        ),
        contender(
          'stock Node, worker threads on all cores',
          () => stockThreads.sum(hashRounds),
          'the threads stay, and copy each part into the memory of their instance',
        ),
      ],
      baseline: oneThread,
      unit: 'ms',
    })
  } finally {
    await stockThreads.close()
  }
}
