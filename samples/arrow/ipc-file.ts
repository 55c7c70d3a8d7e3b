import { closeSync, openSync, writeSync } from 'node:fs'
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  type RecordBatch,
  RecordBatchFileWriter,
  RecordBatchReader,
  Table,
  tableToIPC,
} from 'apache-arrow'
import { Footer } from 'apache-arrow/ipc/metadata/file'
import type { HostRegion } from 'v8-rawmem'

const magic = new TextEncoder().encode('ARROW1')
const footerLengthBytes = 4
/** The magic, padded to eight bytes. */
const headBytes = 8
const endOfStreamBytes = 8

export class NoArrowFile extends Error {
  override readonly name = 'NoArrowFile'
}

export interface ArrowFile {
  readonly batches: readonly RecordBatch[]
  /** Whether these bytes lie in the region, and are not a copy that Arrow made. */
  holds(view: ArrayBufferView): boolean
}

/**
 * Opens an Arrow IPC file that lies in `region`. The buffers of its record batches are views of the region: of a mapped
 * file nothing but messages' heads is read before it is used.
 *
 * The file may be larger than an `ArrayBuffer` can be: between its head and its footer there is a stream of messages, and Arrow
 * gets a view for each of them.
 *
 * @throws {NoArrowFile} if there is no footer where it should be.
 */
export function openArrowFile(region: HostRegion): ArrowFile {
  const tailBytes = footerLengthBytes + magic.length
  const fail = (): never => {
    throw new NoArrowFile('This is no Arrow IPC file (the format of .arrow and Feather V2 files)')
  }
  if (region.byteLength < headBytes + tailBytes) fail()
  const tail = region.view(DataView, region.byteLength - tailBytes, tailBytes)
  const starts = region.view(Uint8Array, 0, magic.length)
  if (magic.some((byte, i) => byte !== starts[i])) fail()
  if (magic.some((byte, i) => byte !== tail.getUint8(footerLengthBytes + i))) fail()
  const footerLength = tail.getInt32(0, true)
  const footerBegin = region.byteLength - tailBytes - footerLength
  if (footerLength <= 0 || footerBegin < headBytes) fail()

  const footer = decodeFooter(region.view(Uint8Array, footerBegin, footerLength)) ?? fail()
  const begins = [...footer.recordBatches()].map(({ offset }) => offset).sort((a, b) => a - b)
  // Schema and dictionaries come before the first batch, further dictionaries after the batches.
  const edges = [headBytes, ...begins, footerBegin]
  if (edges.some((edge, i) => i > 0 && edge <= edges[i - 1]!)) fail()

  const buffers = new Set<ArrayBufferLike>()
  function* messages(): Generator<Uint8Array> {
    // Some writers, Arrow's own for JavaScript among them, have the schema in the footer only.
    yield tableToIPC(new Table(footer.schema), 'stream').subarray(0, -endOfStreamBytes)
    for (let i = 1; i < edges.length; i++) {
      const view = region.view(Uint8Array, edges[i - 1]!, edges[i]! - edges[i - 1]!)
      buffers.add(view.buffer)
      yield view
    }
  }
  return {
    batches: [...RecordBatchReader.from(messages())],
    holds: ({ buffer }) => buffers.has(buffer),
  }
}

function decodeFooter(bytes: Uint8Array): Footer | undefined {
  try {
    return Footer.decode(bytes)
  } catch {
    return undefined
  }
}

/** Writes batches into an Arrow IPC file, one at a time, so that only one is in memory. */
export async function writeBatches(path: string, batches: Iterable<RecordBatch>): Promise<void> {
  const fd = openSync(path, 'w', 0o600)
  try {
    const writer = new RecordBatchFileWriter()
    const written = (async () => {
      for await (const chunk of writer) {
        for (let at = 0; at < chunk.length; ) at += writeSync(fd, chunk, at)
      }
    })()
    for (const batch of batches) {
      writer.write(batch)
      // All that the batch became is written before the next one is made.
      await nextTurn()
    }
    writer.close()
    await written
  } finally {
    closeSync(fd)
  }
}
