// Adds up a column of an Apache Arrow table by the values of another. Arrow's buffers are the memories of the WebAssembly
// module: one for the values, one for their validity bitmap, one for the dictionary's indices, one for theirs. The table lies
// in a mapped file, which may be larger than memory, and nothing of it is copied.
//
//   npm run sample arrow
//   npm run sample arrow -- --size 8GiB
//   npm run sample arrow -- --file trips.arrow --group city --value amount

import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Data, DataType, type Dictionary, type RecordBatch } from 'apache-arrow'
import { Command, Option } from 'commander'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { byteSize, integer } from '../../terminal/option-types.ts'
import { startProgress } from '../../terminal/progress.ts'
import { formatCount, say, secondsSince } from '../shared/report.ts'
import { runSample } from '../shared/run-sample.ts'
import { createUnnamedFile } from '../shared/unnamed-file.ts'
import { addBatch, type Columns, detachAll } from './add-batch.ts'
import { NoArrowFile, openArrowFile, writeBatches } from './ipc-file.ts'
import {
  groupKernel,
  type KernelExports,
  readTotals,
  type Total,
  UnsupportedType,
} from './kernel.ts'
import { madeUpBatches, rowBytes } from './made-up-batches.ts'

const MiB = 2 ** 20

interface Options {
  size: number
  batchRows: number
  file?: string
  group: string
  value: string
}

const program: Command = new Command('npm run sample arrow --')
  .description(
    'Maps an Arrow IPC file, and computes sum(value) and count(value) by a column of dictionary-encoded texts, nulls left ' +
      'out, in WebAssembly whose memories are the buffers of the record batches. Checked against Arrow in JavaScript.',
  )
  .addOption(
    new Option('--size <bytes>', 'size of the table to make up')
      .argParser(byteSize)
      .default(128 * MiB, '128MiB'),
  )
  .option('--batch-rows <number>', 'rows in a record batch', integer(1, 100_000_000), 1_000_000)
  .addOption(
    new Option('--file <path>', 'take this Arrow IPC file instead; it is not changed').conflicts(
      'size',
    ),
  )
  .option('--group <column>', 'column to group by: texts in a dictionary', 'city')
  .option('--value <column>', 'column to add up: Float64, Float32, Int64 or Int32', 'amount')

function columnsOf(batch: RecordBatch, { group, value }: Options): Columns {
  const dataOf = (name: string): Data => {
    const data = batch.getChild(name)?.data[0]
    if (data === undefined) {
      const names = batch.schema.fields.map((field) => `${field.name} (${field.type})`)
      return program.error(`error: There is no column ${name}; there are ${names.join(', ')}`)
    }
    return data
  }
  const indices = dataOf(group)
  if (!DataType.isDictionary(indices.type)) {
    return program.error(
      `error: --group ${group} is ${indices.type}, not texts in a dictionary; choose another column`,
    )
  }
  return { values: dataOf(value), indices: indices as Data<Dictionary> }
}

/** The texts that indices stand for. They must be the same ones in all batches. */
function groupsOf(batches: readonly Columns[]): string[] {
  const first = batches[0]!.indices.dictionary!
  const groups = Array.from(first, String)
  for (const { indices } of batches) {
    const dictionary = indices.dictionary!
    if (dictionary === first) continue
    if (
      dictionary.length !== groups.length ||
      groups.some((text, i) => dictionary.get(i) !== text)
    ) {
      program.error(
        'error: The dictionary differs between record batches, which this sample does not handle',
      )
    }
  }
  return groups
}

/** The same in JavaScript, by Arrow's own access to the rows. */
function addBatchInJavaScript(
  batch: RecordBatch,
  { group, value }: Options,
  groups: ReadonlyMap<string, number>,
  totals: { sum: number; count: bigint }[],
): void {
  const texts = batch.getChild(group)!
  const values = batch.getChild(value)!
  for (let row = 0; row < batch.numRows; row++) {
    const amount: number | bigint | null = values.get(row)
    if (amount === null) continue
    const text: string | null = texts.get(row)
    const total = totals[text === null ? groups.size : groups.get(text)!]!
    total.sum += Number(amount)
    total.count++
  }
}

const empty = (groups: readonly string[]): { sum: number; count: bigint }[] =>
  Array.from({ length: groups.length + 1 }, () => ({ sum: 0, count: 0n }))

function firstDifference(a: readonly Total[], b: readonly Total[]): number {
  // Added in the same order, so the doubles are the same to the last bit.
  return a.findIndex(({ sum, count }, i) => !Object.is(sum, b[i]!.sum) || count !== b[i]!.count)
}

async function writeTable(path: string, { size, batchRows }: Options): Promise<void> {
  const rows = Math.max(1, Math.floor(size / rowBytes))
  const progress = startProgress('Writing', rows, formatCount)
  let written = 0
  function* batches() {
    for (const batch of madeUpBatches(rows, batchRows)) {
      yield batch
      written += batch.numRows
      progress.update(written)
    }
  }
  await writeBatches(path, batches())
  progress.stop()
}

async function main(options: Options): Promise<void> {
  using scratch = options.file === undefined ? createUnnamedFile(options.size) : undefined
  if (scratch !== undefined) await writeTable(scratch.path, options)
  using region = HostRegion.mapFile(scratch?.path ?? options.file!)
  const file = openArrowFile(region)
  const { batches } = file
  if (batches.length === 0) program.error('error: The file has no record batches')
  const columns = batches.map((batch) => columnsOf(batch, options))
  const groups = groupsOf(columns)
  const rows = batches.reduce((sum, batch) => sum + batch.numRows, 0)
  say(
    'Table',
    `${formatCount(rows)} rows in ${batches.length} record batches; ${formatByteSize(region.byteLength)} of a mapped file`,
  )

  const [{ values, indices }] = columns as [Columns]
  const module = new WebAssembly.Module(
    groupKernel(values.type, indices.type.indices, groups.length),
  )
  const instance = new WebAssembly.Instance(module)
  const running = startProgress('Running', rows, formatCount)
  const started = performance.now()
  const buffers = new Set<ArrayBufferView>()
  let done = 0
  for (const batch of columns) {
    for (const buffer of addBatch(instance, batch)) buffers.add(buffer)
    done += batch.values.length
    running.update(done)
    await nextTurn()
  }
  const seconds = secondsSince(started)
  detachAll(instance)
  running.stop()
  const bytes = [...buffers].reduce((sum, { byteLength }) => sum + byteLength, 0)
  say(
    'Run',
    `${seconds.toFixed(2)} s, ${formatCount(Math.round(rows / seconds / 1e6))} million rows/s, ${(bytes / seconds / 1e9).toFixed(2)} GB/s`,
  )

  const totals = readTotals(instance.exports as unknown as KernelExports, groups.length)
  const names = [...groups, '(null)']
  const largest = [...totals.keys()].sort((a, b) => totals[b]!.sum - totals[a]!.sum).slice(0, 3)
  for (const group of largest) {
    const { sum, count } = totals[group]!
    say('Group', `${names[group]}: sum ${sum.toLocaleString('en-US')}, count ${formatCount(count)}`)
  }

  const checking = startProgress('Checking', rows, formatCount)
  const codes = new Map(groups.map((text, i) => [text, i]))
  const expected = empty(groups)
  done = 0
  for (const batch of batches) {
    addBatchInJavaScript(batch, options, codes, expected)
    done += batch.numRows
    checking.update(done)
    await nextTurn()
  }
  checking.stop()
  const wrong = firstDifference(totals, expected)
  if (wrong >= 0) {
    throw new Error(
      `The result is wrong: ${names[wrong]} has sum ${totals[wrong]!.sum} and count ${totals[wrong]!.count}, by Arrow ${expected[wrong]!.sum} and ${expected[wrong]!.count}`,
    )
  }
  say('Verified', 'all sums and counts are exactly those of Arrow in JavaScript')

  // Where a file is compressed, Arrow takes a copy.
  const copies = [...buffers].filter((buffer) => !file.holds(buffer))
  const copied = copies.reduce((sum, { byteLength }) => sum + byteLength, 0)
  say(
    'Copied',
    `${formatByteSize(copied)}: of the ${formatCount(buffers.size)} buffers that WebAssembly read, ${formatCount(buffers.size - copies.length)} lie in the mapped file`,
  )
  // And the other way round: what is stored through Arrow is what WebAssembly reads. (The file stays as it is.)
  const [batch] = batches as [RecordBatch]
  const stored: ArrayBufferView = columns[0]!.values.values
  new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength).fill(0)
  const again = new WebAssembly.Instance(module)
  addBatch(again, columns[0]!)
  detachAll(again)
  const zeros = empty(groups)
  addBatchInJavaScript(batch, options, codes, zeros)
  const sums = readTotals(again.exports as unknown as KernelExports, groups.length)
  if (firstDifference(sums, zeros) >= 0 || sums.some(({ sum }) => sum !== 0)) {
    throw new Error('WebAssembly does not read what was stored through Arrow')
  }
  say('Shared', "zeros stored through Arrow's array are what WebAssembly reads then")
}

await runSample(program, async (options: Options) => {
  try {
    await main(options)
  } catch (error) {
    if (!(error instanceof NoArrowFile || error instanceof UnsupportedType)) throw error
    program.error(`error: ${error.message}`)
  }
})
