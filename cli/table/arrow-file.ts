// Arrow IPC files: the buffers of their record batches lie in the mapped file, ready to be shown.

import type { FileHandle } from 'node:fs/promises'
import type { DataType, Field } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow/ipc/metadata/message'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { HostRegion, HostRegionConstructor } from '../../types/host-region.d.ts'
import type { MemoryArrayType } from '../../types/workers.d.ts'
import {
  type Batch,
  bitmapBytes,
  checkType,
  type Nulls,
  noColumn,
  noNumbers,
  type Table,
  type TableOptions,
  unexpectedNulls,
  widthOf,
} from './table.ts'

/** Behind the footer: its length and the magic. */
const tailBytes = 10
/** In front of a message: a mark and its length; a length alone before Arrow 0.15. */
const mark = 0xffffffff

async function loadArrow() {
  try {
    const [{ DataType }, { Footer }, { Message }] = await Promise.all([
      import('apache-arrow'),
      import('apache-arrow/ipc/metadata/file'),
      import('apache-arrow/ipc/metadata/message'),
    ])
    return { DataType, Footer, Message }
  } catch (error) {
    throw new AdvisedError(
      `Arrow files are read by the package apache-arrow, which cannot be loaded: ${(error as Error).message.split('\n')[0]}`,
      'Install it where v8-rawmem is: npm install apache-arrow.',
      { cause: error },
    )
  }
}

type Arrow = Awaited<ReturnType<typeof loadArrow>>

/** Where a column's buffers lie in the file. */
interface Buffers {
  readonly values: number
  /** Undefined if there are no nulls. */
  readonly validity: number | undefined
  readonly nulls: number
}

interface FoundBatch {
  readonly rows: number
  readonly columns: readonly Buffers[]
}

function damaged(path: string, what: string): AdvisedError {
  return new AdvisedError(`${path} is damaged: ${what}.`, 'Write it again.')
}

async function read(file: FileHandle, path: string, position: number, length: number) {
  const buffer = Buffer.alloc(length)
  const { bytesRead } = await file.read({ buffer, position })
  if (bytesRead !== length) throw damaged(path, `it ends before byte ${position + length}`)
  return buffer
}

/** The type of a column's values in memory; undefined if they are no numbers of whole bytes. */
function numberType({ DataType }: Arrow, type: DataType): MemoryArrayType | undefined {
  if (DataType.isInt(type)) return `${type.isSigned ? 'i' : 'u'}${type.bitWidth}` as MemoryArrayType
  if (DataType.isFloat(type)) return ([undefined, 'f32', 'f64'] as const)[type.precision]
  if (DataType.isDate(type)) return type.unit === 0 ? 'i32' : 'i64'
  if (DataType.isTime(type)) return type.bitWidth === 32 ? 'i32' : 'i64'
  if (DataType.isTimestamp(type) || DataType.isDuration(type)) return 'i64'
  return undefined
}

/** How many nodes and buffers a column has in each batch, those of its children included. */
function spanOf(arrow: Arrow, { name, type }: Field): { nodes: number; buffers: number } {
  const { DataType } = arrow
  const own = DataType.isNull(type)
    ? 0
    : DataType.isStruct(type) || DataType.isFixedSizeList(type)
      ? 1
      : DataType.isUtf8(type) ||
          DataType.isBinary(type) ||
          DataType.isLargeUtf8(type) ||
          DataType.isLargeBinary(type)
        ? 3
        : DataType.isList(type) ||
            DataType.isMap(type) ||
            DataType.isDictionary(type) ||
            DataType.isBool(type) ||
            DataType.isDecimal(type) ||
            DataType.isInterval(type) ||
            DataType.isFixedSizeBinary(type) ||
            DataType.isFloat(type) ||
            numberType(arrow, type) !== undefined
          ? 2
          : undefined
  if (own === undefined) {
    throw new AdvisedError(
      `Column ${name} has the type ${type}, behind which no other column can be found.`,
      'Write the table with the columns of the program in front of it.',
    )
  }
  const children: Field[] = DataType.isDictionary(type) ? [] : (type.children ?? [])
  return children
    .map((child) => spanOf(arrow, child))
    .reduce(
      (sum, each) => ({ nodes: sum.nodes + each.nodes, buffers: sum.buffers + each.buffers }),
      {
        nodes: 1,
        buffers: own,
      },
    )
}

/** Where a column's own node and buffers are among those of all columns. */
interface Place {
  readonly name: string
  readonly type: MemoryArrayType
  readonly node: number
  readonly buffer: number
}

function placesOf(
  path: string,
  arrow: Arrow,
  fields: readonly Field[],
  columns: TableOptions['columns'],
): Place[] {
  return columns.map((column) => {
    const { name } = column
    const index = fields.findIndex((field) => field.name === name)
    if (index < 0)
      throw noColumn(
        path,
        name,
        fields.map((field) => field.name),
      )
    const field = fields[index]!
    const type = numberType(arrow, field.type)
    if (type === undefined) throw noNumbers(name, `${field.type}`)
    checkType(column, type)
    const before = fields.slice(0, index).map((each) => spanOf(arrow, each))
    return {
      name,
      type,
      node: before.reduce((sum, { nodes }) => sum + nodes, 0),
      buffer: before.reduce((sum, { buffers }) => sum + buffers, 0),
    }
  })
}

async function readBatch(
  path: string,
  file: FileHandle,
  { Message }: Arrow,
  block: { offset: number; metaDataLength: number; bodyLength: number },
  places: readonly Place[],
): Promise<FoundBatch> {
  const head = await read(file, path, block.offset, block.metaDataLength)
  const begin = head.readUInt32LE(0) === mark ? 8 : 4
  const message = Message.decode(head.subarray(begin))
  if (!message.isRecordBatch())
    throw damaged(path, `there is no record batch at byte ${block.offset}`)
  const batch = message.header() as RecordBatch
  // Older versions do not tell.
  if ((batch.compression as unknown) === undefined) {
    throw new AdvisedError('The package apache-arrow is too old.', 'npm install apache-arrow@21.')
  }
  if (batch.compression !== null) {
    throw new AdvisedError(
      `${path} has compressed buffers, which cannot be shown where they lie.`,
      "Write it without compression, as pyarrow does with compression='uncompressed', or as Parquet.",
    )
  }
  const body = block.offset + block.metaDataLength
  const columns = places.map(({ name, type, node, buffer }) => {
    const [validity, values] = [batch.buffers[buffer], batch.buffers[buffer + 1]]
    const { length, nullCount } = batch.nodes[node] ?? {}
    const needed = batch.length * widthOf(type)
    if (length !== batch.length || !values || !validity || nullCount === undefined) {
      throw damaged(path, `column ${name} is not in the record batch at byte ${block.offset}`)
    }
    const isShort = values.length < needed || values.offset + needed > block.bodyLength
    const shortBits = nullCount !== 0 && validity.length < bitmapBytes(batch.length)
    if (isShort || shortBits || validity.offset + validity.length > block.bodyLength) {
      throw damaged(path, `column ${name} is cut in the record batch at byte ${block.offset}`)
    }
    return {
      values: body + values.offset,
      validity: nullCount !== 0 ? body + validity.offset : undefined,
      nulls: nullCount,
    }
  })
  return { rows: batch.length, columns }
}

async function readFooter(path: string, file: FileHandle, { Footer }: Arrow) {
  const { size } = await file.stat()
  if (size < tailBytes) throw damaged(path, 'it has no footer')
  const tail = await read(file, path, size - tailBytes, tailBytes)
  const length = tail.readInt32LE(0)
  if (tail.toString('latin1', 4) !== 'ARROW1' || length <= 0 || length > size - tailBytes) {
    throw damaged(path, 'it has no footer')
  }
  const bytes = await read(file, path, size - tailBytes - length, length)
  const footer = decodeFooter(path, bytes, Footer)
  if (isBigEndian(footer)) {
    throw new AdvisedError(
      `${path} has big-endian values, which cannot be shown where they lie.`,
      'Write it on a little-endian machine, or as Parquet.',
    )
  }
  return footer
}

function decodeFooter(path: string, bytes: Buffer, { decode }: Arrow['Footer']) {
  try {
    return decode(bytes)
  } catch (error) {
    throw damaged(path, `its footer cannot be read, ${(error as Error).message}`)
  }
}

/** The byte order, which the package keeps to itself. */
function isBigEndian(footer: object): boolean {
  const { _footer } = footer as { _footer?: { schema(): { endianness(): number } | null } }
  const order = _footer?.schema()?.endianness()
  if (order === undefined) {
    throw new AdvisedError(
      'This release of the package apache-arrow does not tell the byte order of a file.',
      'npm install apache-arrow@21.',
    )
  }
  return order !== 0
}

/** The values where they lie, or with zeros for nulls in a copy. */
function showValues(
  whole: HostRegion,
  HostRegion: HostRegionConstructor,
  { values, validity }: Buffers,
  rows: number,
  width: number,
  nulls: Nulls,
): HostRegion {
  const lying = whole.subarray(values, values + rows * width)
  if (nulls !== 'zero' || validity === undefined) return lying
  const copy = HostRegion.allocate(rows * width)
  const bytes = copy.view(Uint8Array)
  bytes.set(lying.view(Uint8Array))
  const bits = whole.view(Uint8Array, validity, bitmapBytes(rows))
  for (let row = 0; row < rows; row++) {
    if (((bits[row >> 3]! >> (row & 7)) & 1) === 0) bytes.fill(0, row * width, (row + 1) * width)
  }
  return copy
}

export async function openArrowFile(
  path: string,
  file: FileHandle,
  { columns, nulls, HostRegion }: TableOptions,
): Promise<Table> {
  const arrow = await loadArrow()
  const footer = await readFooter(path, file, arrow)
  const places = placesOf(path, arrow, footer.schema.fields, columns)
  const found: FoundBatch[] = []
  for (const block of footer.recordBatches()) {
    const batch = await readBatch(path, file, arrow, block, places)
    for (const [i, { nulls: count }] of batch.columns.entries()) {
      if (nulls !== 'refuse' || count === 0) continue
      throw unexpectedNulls(places[i]!.name, count, `record batch ${found.length + 1}`)
    }
    if (batch.rows > 0) found.push(batch)
  }
  const most = found.reduce((most, { rows }) => Math.max(most, rows), 0)
  const whole = HostRegion.mapFile(path)
  /** The bitmap of columns that have none, as all their rows have values. */
  const allValid = HostRegion.allocate(nulls === 'bitmap' ? bitmapBytes(most) : 0)
  allValid.view(Uint8Array).fill(0xff)
  const rows = found.reduce((sum, batch) => sum + batch.rows, 0)
  const regionsOf = (batch: FoundBatch): HostRegion[] =>
    batch.columns.flatMap((buffers, i) => {
      const values = showValues(
        whole,
        HostRegion,
        buffers,
        batch.rows,
        widthOf(places[i]!.type),
        nulls,
      )
      if (nulls !== 'bitmap') return [values]
      const bytes = bitmapBytes(batch.rows)
      const { validity } = buffers
      return [
        values,
        validity === undefined
          ? allValid.subarray(0, bytes)
          : whole.subarray(validity, validity + bytes),
      ]
    })
  return {
    rows,
    batchNames: ['record batch', 'record batches'],
    batchCount: found.length,
    byteLength: found.reduce(
      (sum, batch) =>
        sum +
        places.reduce(
          (sum, { type }) =>
            sum + batch.rows * widthOf(type) + (nulls === 'bitmap' ? bitmapBytes(batch.rows) : 0),
          0,
        ),
      0,
    ),
    columns: places,
    async *batches() {
      for (const [index, batch] of found.entries()) {
        const regions = regionsOf(batch)
        yield {
          index,
          regions,
          close() {
            for (const region of regions) region.close()
          },
        } satisfies Batch
      }
    },
    close() {
      whole.close()
      allValid.close()
    },
  }
}
