// Parquet files: column chunks are decoded into memory, a row group at a time.

import { type FileHandle, open } from 'node:fs/promises'
import {
  type DecodedArray,
  type FileMetaData,
  parquetMetadataAsync,
  parquetScan,
  parquetSchema,
  type SchemaElement,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { arrayClasses } from '../../bindings/workers/memory-arrays.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { HostRegion, HostRegionConstructor } from '../../types/host-region.d.ts'
import type { MemoryArrayType } from '../../types/workers.d.ts'
import {
  bitmapBytes,
  checkType,
  noColumn,
  noNumbers,
  type Table,
  type TableOptions,
  unexpectedNulls,
  widthOf,
} from './table.ts'

/** The type of a column's values in memory; undefined if they are no numbers of whole bytes. */
function numberType({
  type,
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): MemoryArrayType | undefined {
  if (type === 'FLOAT') return 'f32'
  if (type === 'DOUBLE') return 'f64'
  if (type !== 'INT32' && type !== 'INT64') return undefined
  if (converted === 'DECIMAL' || logical?.type === 'DECIMAL') return undefined
  if (logical?.type === 'INTEGER') {
    return `${logical.isSigned ? 'i' : 'u'}${logical.bitWidth}` as MemoryArrayType
  }
  const [, sign, bits] = /^(U?)INT_(8|16|32|64)$/.exec(converted ?? '') ?? []
  if (bits !== undefined) return `${sign === 'U' ? 'u' : 'i'}${bits}` as MemoryArrayType
  return type === 'INT32' ? 'i32' : 'i64'
}

function describe({
  type,
  converted_type: converted,
  logical_type: logical,
}: SchemaElement): string {
  return logical?.type ?? converted ?? type ?? 'a group of columns'
}

/** The physical numbers, as the program is to see them, instead of dates and the like. */
function withoutLogicalTypes(metadata: FileMetaData, names: ReadonlySet<string>): FileMetaData {
  return {
    ...metadata,
    schema: metadata.schema.map((element) => {
      if (!names.has(element.name)) return element
      const physical = { ...element }
      delete physical.converted_type
      delete physical.logical_type
      return physical
    }),
  }
}

/** One column of a row group in memory. */
function decoded(
  HostRegion: HostRegionConstructor,
  type: MemoryArrayType,
  data: DecodedArray,
  withBitmap: boolean,
): { regions: HostRegion[]; nulls: number } {
  const rows = data.length
  const region = HostRegion.allocate(rows * widthOf(type))
  // Integers of fewer bits, and those without a sign, wrap around as they should.
  const values = region.view<ArrayBufferView>(arrayClasses[type]) as unknown as {
    [row: number]: number | bigint
  }
  const bitmap = HostRegion.allocate(withBitmap ? bitmapBytes(rows) : 0)
  const bits = bitmap.view(Uint8Array)
  let nulls = 0
  for (let row = 0; row < rows; row++) {
    const value: number | bigint | null | undefined = data[row]
    if (value === null || value === undefined) nulls++
    else {
      values[row] = value
      if (withBitmap) bits[row >> 3]! |= 1 << (row & 7)
    }
  }
  return { regions: withBitmap ? [region, bitmap] : [region], nulls }
}

function fileOf(handle: FileHandle, byteLength: number) {
  return {
    byteLength,
    async slice(begin: number, end = byteLength): Promise<ArrayBuffer> {
      const bytes = new Uint8Array(end - begin)
      const { bytesRead } = await handle.read({ buffer: bytes, position: begin })
      if (bytesRead !== bytes.length) throw new Error(`the file ends before byte ${end}`)
      return bytes.buffer
    },
  }
}

export async function openParquetFile(
  path: string,
  { columns, nulls, HostRegion }: TableOptions,
): Promise<Table> {
  const handle = await open(path)
  const attempt = async <T>(what: Promise<T>): Promise<T> => {
    try {
      return await what
    } catch (error) {
      throw new AdvisedError(
        `${path} cannot be decoded: ${(error as Error).message}.`,
        'Write it again, without what is named here.',
        { cause: error },
      )
    }
  }
  try {
    const file = fileOf(handle, (await handle.stat()).size)
    const metadata = await attempt(parquetMetadataAsync(file))
    const { children } = parquetSchema(metadata)
    const found = columns.map((column) => {
      const child = children.find(({ element }) => element.name === column.name)
      if (child === undefined) {
        throw noColumn(
          path,
          column.name,
          children.map(({ element }) => element.name),
        )
      }
      const isPlain = child.children.length === 0 && child.element.repetition_type !== 'REPEATED'
      const type = isPlain ? numberType(child.element) : undefined
      if (type === undefined) throw noNumbers(column.name, describe(child.element))
      checkType(column, type)
      return { name: column.name, type }
    })
    const names = new Set(found.map(({ name }) => name))
    const scan = await attempt(
      parquetScan({
        file,
        metadata: withoutLogicalTypes(metadata, names),
        columns: [...names],
        compressors,
      }),
    )
    const groups = metadata.row_groups
      .map((group) => Number(group.num_rows))
      .filter((rows) => rows > 0)
    const rows = groups.reduce((sum, rows) => sum + rows, 0)
    const withBitmap = nulls === 'bitmap'
    const decodeGroup = async (index: number, rowStart: number, rowEnd: number) => {
      const regions: HostRegion[] = []
      for (const { name, type } of found) {
        const data = await attempt(scan.readColumn({ column: name, rowStart, rowEnd }))
        if (data.length !== rowEnd - rowStart) {
          throw new AdvisedError(
            `${path} is damaged: column ${name} has ${data.length} of ${rowEnd - rowStart} rows in row group ${index + 1}.`,
            'Write it again.',
          )
        }
        const column = decoded(HostRegion, type, data, withBitmap)
        regions.push(...column.regions)
        if (nulls === 'refuse' && column.nulls > 0) {
          throw unexpectedNulls(name, column.nulls, `row group ${index + 1}`)
        }
      }
      return regions
    }
    return {
      rows,
      batchNames: ['row group', 'row groups'],
      batchCount: groups.length,
      byteLength: groups.reduce(
        (sum, rows) =>
          sum +
          found.reduce(
            (sum, { type }) => sum + rows * widthOf(type) + (withBitmap ? bitmapBytes(rows) : 0),
            0,
          ),
        0,
      ),
      columns: found,
      async *batches() {
        let begin = 0
        for (const [index, rows] of groups.entries()) {
          const regions = await decodeGroup(index, begin, begin + rows)
          begin += rows
          yield {
            index,
            regions,
            close() {
              for (const region of regions) region.close()
            },
          }
        }
      },
      close() {
        void handle.close()
      },
    }
  } catch (error) {
    await handle.close()
    throw error
  }
}
