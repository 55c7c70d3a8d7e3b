import { type HostRegion, ScanPool } from 'v8-rawmem'
import { parseQuery } from './expression.ts'
import { compileQuery } from './kernel.ts'
import type { QueryText } from './random-queries.ts'
import type { Aggregate } from './reference.ts'
import { sales } from './sales.ts'

type Part = [count: bigint, sum: bigint | number, min: bigint | number, max: bigint | number]

/** The blocks of a table have rows in all parts; those without one have nothing to say of extremes. */
function merge(parts: readonly Part[]): Aggregate {
  const some = parts.filter(([count]) => count > 0n)
  const [first = parts[0]!, ...others] = some
  const [count, sum, min, max] = others.reduce<Part>(
    (all, part) => [
      all[0] + part[0],
      // Both are bigints or both are doubles.
      (all[1] as number) + (part[1] as number),
      part[2] < all[2] ? part[2] : all[2],
      part[3] > all[3] ? part[3] : all[3],
    ],
    first,
  )
  return { count, sum, min, max }
}

/** Runs queries one after the other, each on all cores, on threads that stay. */
export async function runOnAllCores(
  queries: readonly QueryText[],
  region: HostRegion,
  onResult: (result: Aggregate, index: number, milliseconds: number) => void,
): Promise<void> {
  const pool = new ScanPool()
  try {
    for (const [index, { where, value }] of queries.entries()) {
      const started = performance.now()
      const kernel = compileQuery(parseQuery(where, value, sales.columns), sales, {
        import: true,
      })
      const result = await pool.scan<Part, Aggregate>(kernel, region, {
        export: 'scan',
        recordBytes: sales.blockBytes,
        merge,
      })
      onResult(result, index, performance.now() - started)
    }
  } finally {
    await pool.close()
  }
}
