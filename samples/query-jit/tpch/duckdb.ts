import {
  DATE,
  DECIMAL,
  type DuckDBConnection,
  DuckDBDecimalValue,
  DuckDBInstance,
  type DuckDBType,
  ENUM,
} from '@duckdb/node-api'
import type { HostRegion } from 'v8-rawmem'
import { appendBlocks, type BlockColumn } from '../append-blocks.ts'
import {
  blockBytes,
  blockRows,
  lineitem,
  lineStatuses,
  returnFlags,
  type StorageType,
} from './lineitem.ts'
import { type Q1Row, q1Sql } from './q1.ts'
import { q6Sql } from './q6.ts'

/** Types that DuckDB stores in as many bytes as {@link lineitem} does, so that both read the same amount. */
const types: Record<keyof typeof lineitem, DuckDBType> = {
  shipdate: DATE,
  extendedprice: DECIMAL(8, 2),
  quantity: DECIMAL(4, 2),
  discount: DECIMAL(4, 2),
  tax: DECIMAL(4, 2),
  returnflag: ENUM(returnFlags),
  linestatus: ENUM(lineStatuses),
}

const widths: Record<StorageType, number> = { i32: 4, i16: 2, u8: 1 }

export interface LoadOptions {
  /** Threads that DuckDB may use. Default: as many as there are cores. */
  readonly threads?: number
  /** Called with the bytes loaded so far. */
  readonly onProgress?: (bytes: number) => void
}

/** A new in-memory database with the table `lineitem`, whose columns are copies of those in `region`. */
export async function loadIntoDuckDB(
  region: HostRegion,
  { threads, onProgress }: LoadOptions = {},
): Promise<DuckDBConnection> {
  const instance = await DuckDBInstance.create(
    ':memory:',
    threads === undefined ? {} : { threads: String(threads) },
  )
  const connection = await instance.connect()
  const columns = (Object.keys(lineitem) as (keyof typeof lineitem)[]).map(
    (name): BlockColumn => ({
      name: `l_${name}`,
      type: types[name],
      width: widths[lineitem[name].type],
      offset: lineitem[name].offset,
    }),
  )
  await appendBlocks(connection, 'lineitem', { columns, blockRows, blockBytes }, region, onProgress)
  return connection
}

/** The unscaled value of a decimal, checked to have the scale that is expected. */
function unscaled(value: unknown, scale: number): bigint {
  if (!(value instanceof DuckDBDecimalValue) || value.scale !== scale) {
    throw new Error(`Expected a decimal with ${scale} places from DuckDB, got ${value}`)
  }
  return value.value
}

/** The revenue in ten-thousandths; 0 if no row counts. */
export async function queryQ6(connection: DuckDBConnection): Promise<bigint> {
  const reader = await connection.runAndReadAll(q6Sql)
  const [revenue] = reader.getRows()[0]!
  return revenue === null ? 0n : unscaled(revenue, 4)
}

export async function queryQ1(connection: DuckDBConnection): Promise<Q1Row[]> {
  const reader = await connection.runAndReadAll(q1Sql)
  return reader.getRowObjects().map((row) => {
    const count = row.count_order as bigint
    return {
      returnflag: String(row.l_returnflag),
      linestatus: String(row.l_linestatus),
      quantity: unscaled(row.sum_qty, 2),
      basePrice: unscaled(row.sum_base_price, 2),
      discountedPrice: unscaled(row.sum_disc_price, 4),
      charge: unscaled(row.sum_charge, 6),
      // Query 1 asks for the average only. It is a double, and the sum has far less than its 53 bits.
      discount: BigInt(Math.round((row.avg_disc as number) * 100 * Number(count))),
      count,
    }
  })
}
