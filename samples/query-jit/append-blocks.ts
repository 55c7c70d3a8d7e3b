import { setImmediate as nextTurn } from 'node:timers/promises'
import { type DuckDBConnection, DuckDBDataChunk, type DuckDBType } from '@duckdb/node-api'
import duckdb from '@duckdb/node-bindings'
import type { HostRegion } from 'v8-rawmem'

/** A column of a table in blocks, stored as DuckDB stores values of its type. */
export interface BlockColumn {
  readonly name: string
  readonly type: DuckDBType
  /** Bytes per value. */
  readonly width: number
  /** Where the column begins in a block, in bytes. */
  readonly offset: number
}

export interface Blocks {
  readonly columns: readonly BlockColumn[]
  readonly blockRows: number
  readonly blockBytes: number
}

/** Rows that DuckDB takes at once. */
const chunkRows = 2048

/**
 * Creates a table and fills it with copies of the columns in `region`.
 *
 * @param onProgress Called with the bytes copied so far.
 */
export async function appendBlocks(
  connection: DuckDBConnection,
  table: string,
  { columns, blockRows, blockBytes }: Blocks,
  region: HostRegion,
  onProgress?: (bytes: number) => void,
): Promise<void> {
  const declarations = columns.map(({ name, type }) => `${name} ${type} NOT NULL`)
  await connection.run(`CREATE TABLE ${table} (${declarations.join(', ')})`)
  const appender = await connection.createAppender(table)
  const chunk = DuckDBDataChunk.create(columns.map(({ type }) => type))
  for (let begin = 0; begin < region.byteLength; begin += blockBytes) {
    const block = region.view(Uint8Array, begin, blockBytes)
    for (let row = 0; row < blockRows; row += chunkRows) {
      chunk.reset()
      chunk.rowCount = chunkRows
      for (const [i, { width, offset }] of columns.entries()) {
        // As bytes: one value after the other through the API of DuckDB takes a hundred times as long.
        duckdb.copy_data_to_vector(
          duckdb.data_chunk_get_vector(chunk.chunk, i),
          0,
          block.buffer as ArrayBuffer,
          block.byteOffset + offset + row * width,
          chunkRows * width,
        )
      }
      appender.appendDataChunk(chunk)
    }
    onProgress?.(begin + blockBytes)
    // So that Ctrl-C is heard.
    await nextTurn()
  }
  appender.closeSync()
}
