import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  DATE,
  DECIMAL,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDecimalValue,
  DuckDBInstance,
  type DuckDBType,
  ENUM,
} from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import type { HostRegion } from 'v8-rawmem'
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
const columnTypes: Record<keyof typeof lineitem, DuckDBType> = {
  shipdate: DATE,
  extendedprice: DECIMAL(8, 2),
  quantity: DECIMAL(4, 2),
  discount: DECIMAL(4, 2),
  tax: DECIMAL(4, 2),
  returnflag: ENUM(returnFlags),
  linestatus: ENUM(lineStatuses),
}

const valueBytes: Record<StorageType, number> = { i32: 4, i16: 2, u8: 1 }

/** Rows that DuckDB takes at once. */
const chunkRows = 2048

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
  const names = Object.keys(lineitem) as (keyof typeof lineitem)[]
  const columns = names.map((name) => `l_${name} ${columnTypes[name]} NOT NULL`)
  await connection.run(`CREATE TABLE lineitem (${columns.join(', ')})`)

  const appender = await connection.createAppender('lineitem')
  const chunk = DuckDBDataChunk.create(names.map((name) => columnTypes[name]))
  for (let begin = 0; begin < region.byteLength; begin += blockBytes) {
    const block = region.subarray(begin, begin + blockBytes)
    const bytes = block.view(Uint8Array)
    for (let row = 0; row < blockRows; row += chunkRows) {
      chunk.reset()
      chunk.rowCount = chunkRows
      for (const [i, name] of names.entries()) {
        const { offset, type } = lineitem[name]
        const size = valueBytes[type]
        // As bytes: one value after the other through the API of DuckDB takes a hundred times as long.
        duckdb.copy_data_to_vector(
          duckdb.data_chunk_get_vector(chunk.chunk, i),
          0,
          bytes.buffer as ArrayBuffer,
          bytes.byteOffset + offset + row * size,
          chunkRows * size,
        )
      }
      appender.appendDataChunk(chunk)
    }
    block.close()
    onProgress?.(begin + blockBytes)
    // So that Ctrl-C is heard.
    await nextTurn()
  }
  appender.closeSync()
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
