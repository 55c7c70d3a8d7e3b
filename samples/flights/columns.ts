import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { parquetMetadata, parquetRead } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'

/** A column as a query sees it: 32-bit integers; text as numbers that stand for its distinct values. */
export interface Column {
  readonly values: Int32Array
  /** For a text column: each distinct value and its number. */
  readonly codes?: ReadonlyMap<string, number>
}

interface ColumnSource {
  readonly description: string
  readonly kind: 'number' | 'text'
  /** The file's column that it comes from. */
  readonly field: string
  readonly toNumber?: (value: unknown) => number
}

const flightColumns = {
  delay: {
    description: 'minutes that the flight was late, negative if it was early',
    kind: 'number',
    field: 'delay',
    toNumber: Number,
  },
  distance: {
    description: 'length of the flight in miles',
    kind: 'number',
    field: 'distance',
    toNumber: Number,
  },
  hour: {
    description: 'hour of the departure, 0 to 23',
    kind: 'number',
    field: 'date',
    toNumber: (value) => (value as Date).getUTCHours(),
  },
  month: {
    description: 'month of the departure in 2001, from 1',
    kind: 'number',
    field: 'date',
    toNumber: (value) => (value as Date).getUTCMonth() + 1,
  },
  origin: { description: "airport code, such as 'SFO'", kind: 'text', field: 'origin' },
  destination: { description: 'airport code', kind: 'text', field: 'destination' },
} as const satisfies Record<string, ColumnSource>

/** What a query may name, and what kind each column is of. */
export const flightSchema: ReadonlyMap<string, ColumnSource> = new Map(
  Object.entries(flightColumns),
)

/** The three million flights that the package vega-datasets carries. */
export function flightsFile(): string {
  // The package exports its index only; the data lies beside the folder of that.
  const index = createRequire(import.meta.url).resolve('vega-datasets')
  return join(dirname(index), '..', 'data', 'flights-3m.parquet')
}

/** The Parquet file, opened: its footer is read, its columns are not. */
export interface Flights {
  readonly rows: number
  /**
   * Reads columns; each has one value per flight, in the order of the file.
   *
   * @param names Columns of {@link flightSchema}.
   * @param onValues Called with the number of values read so far, of `rows * names.length`.
   */
  read(names: readonly string[], onValues: (values: number) => void): Promise<Map<string, Column>>
}

export function openFlights(): Flights {
  const bytes = readFileSync(flightsFile())
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  const metadata = parquetMetadata(file)
  const rows = Number(metadata.num_rows)
  return {
    rows,
    async read(names, onValues) {
      const columns = new Map<string, Column>()
      let done = 0
      for (const name of names) {
        const { field, kind, toNumber }: ColumnSource = flightSchema.get(name)!
        const values = new Int32Array(rows)
        const codes = new Map<string, number>()
        await parquetRead({
          file,
          metadata,
          compressors,
          columns: [field],
          // Row groups may come in any order.
          onChunk: ({ columnData, rowStart }) => {
            for (let i = 0; i < columnData.length; i++) {
              const value: unknown = columnData[i]
              if (value === null || value === undefined) {
                throw new Error(`${flightsFile()}: row ${rowStart + i} has no ${field}`)
              }
              if (kind === 'number') {
                values[rowStart + i] = toNumber!(value)
              } else {
                const text = String(value)
                const code = codes.get(text) ?? codes.size
                if (code === codes.size) codes.set(text, code)
                values[rowStart + i] = code
              }
            }
            done += columnData.length
            onValues(done)
          },
        })
        columns.set(name, kind === 'text' ? { values, codes } : { values })
      }
      return columns
    },
  }
}
