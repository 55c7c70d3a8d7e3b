// One memory, and in it a heap, several programs and the host:
//
// - the memory is the host's, a mapped file: `new WebAssembly.Memory({ host: region })`;
// - one module has malloc and free (a real allocator, compiled when the sample starts);
// - two other modules import the memory, malloc and free: one groups rows in a hash table, one makes a report of it;
// - the host writes the rows and reads the report where they lie, by views of `memory.buffer`.
//
// The heap outlives all of them: new instances over the same bytes go on with it.
//
//   npm run sample allocator
//   npm run sample allocator -- --heap /tmp/groups.heap      (run it twice)

import { closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs'
import { Command, Option } from 'commander'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { byteSize, integer } from '../../terminal/option-types.ts'
import { startProgress } from '../../terminal/progress.ts'
import { compileText } from '../shared/compile-text.ts'
import { formatCount, say, secondsSince } from '../shared/report.ts'
import { runSample } from '../shared/run-sample.ts'
import { createUnnamedFile } from '../shared/unnamed-file.ts'
import { compileMalloc, type MallocExports } from './compile-malloc.ts'

const MiB = 2 ** 20

interface Options {
  size: number
  rows: number
  groups: number
  heap?: string
}

const program: Command = new Command('npm run sample allocator --')
  .description(
    'Groups rows with two WebAssembly programs that share one memory and one malloc, itself WebAssembly. The memory is a ' +
      'mapped file of the host, which writes the rows and reads the groups in place. Then new instances go on with the ' +
      'heap that the first ones left. The groups are checked against plain JavaScript.',
  )
  .addOption(
    new Option('--size <bytes>', 'size of the heap, 1MiB to 1GiB')
      .argParser(byteSize)
      .default(64 * MiB, '64MiB'),
  )
  .option('--rows <number>', 'rows to add', integer(1, 100_000_000), 2_000_000)
  .option('--groups <number>', 'different keys', integer(1, 10_000_000), 50_000)
  .option(
    '--heap <file>',
    'keep the heap in this file; if it has one, go on with that, its size and its number of groups',
  )

/** What the host keeps below the heap, as 32-bit words. */
const header = { magic: 0, table: 1, rows: 2, groups: 3, busy: 4 } as const
const headerWords = Object.keys(header).length
const magic = 0x70616568

interface GroupExports {
  create(buckets: number): number
  add(table: number, keys: number, values: number, rows: number): number
  destroy(table: number): void
}

interface ReportExports {
  groups(table: number): number
  collect(table: number): number
}

/** Instances of all three modules over one memory. */
interface Heap {
  readonly memory: WebAssembly.Memory
  readonly header: Uint32Array
  readonly allocator: MallocExports
  readonly group: GroupExports
  readonly report: ReportExports
}

async function openHeap(region: HostRegion, modules: WebAssembly.Module[]): Promise<Heap> {
  // One page of its own: what the memory is without the region, and the least that the modules accept.
  const memory = new WebAssembly.Memory({ host: region, initial: 1 })
  const allocator = await WebAssembly.instantiate(modules[0]!, { env: { memory } })
  const { malloc, free } = allocator.exports
  const group = await WebAssembly.instantiate(modules[1]!, { env: { memory, malloc, free } })
  const report = await WebAssembly.instantiate(modules[2]!, { env: { memory, malloc } })
  return {
    memory,
    header: new Uint32Array(memory.buffer, 0, headerWords),
    allocator: allocator.exports as unknown as MallocExports,
    group: group.exports as unknown as GroupExports,
    report: report.exports as unknown as ReportExports,
  }
}

const keyOf = (row: number, groups: number) => (Math.imul(row, 0x85ebca6b) >>> 4) % groups
const amountOf = (row: number) => ((Math.imul(row, 0x2c1b3c6d) >>> 12) % 2001) - 1000

/** Adds the rows from `begin` to `end`, which the host writes straight into blocks of the heap. */
function addRows(heap: Heap, begin: number, end: number, groups: number): void {
  const { memory, allocator, group } = heap
  const batch = 16_384
  const input = allocator.malloc(2 * batch * Int32Array.BYTES_PER_ELEMENT)
  if (input === 0) fail('There is no room for the rows')
  const keys = new Int32Array(memory.buffer, input, batch)
  const values = new Int32Array(memory.buffer, keys.byteOffset + keys.byteLength, batch)
  const progress = startProgress('Grouping', end - begin, formatCount)
  heap.header[header.busy] = 1
  for (let row = begin; row < end; ) {
    const count = Math.min(batch, end - row)
    for (let i = 0; i < count; i++) {
      keys[i] = keyOf(row + i, groups)
      values[i] = amountOf(row + i)
    }
    const table = heap.header[header.table]!
    const added = group.add(table, keys.byteOffset, values.byteOffset, count)
    row += added
    heap.header[header.rows] = row
    progress.update(row - begin)
    if (added < count) break
  }
  progress.stop()
  allocator.free(input)
  heap.header[header.busy] = 0
  const rows = heap.header[header.rows]!
  if (rows < end) fail(`The heap is full after ${formatCount(rows)} rows`)
}

function fail(what: string): never {
  program.error(`error: ${what}; choose a larger --size, or fewer --groups`)
}

/** Key, count and sum of each group, one after the other, as a view of the heap; it is to be freed. */
function collect({ memory, header: words, report }: Heap): BigInt64Array {
  const table = words[header.table]!
  const groups = report.groups(table)
  const address = report.collect(table)
  if (address === 0) fail(`There is no room for a report on ${formatCount(groups)} groups`)
  return new BigInt64Array(memory.buffer, address, 3 * groups)
}

/** Compares with the same grouping in plain JavaScript. */
function verify(result: BigInt64Array, rows: number, groups: number): void {
  const expected = new Map<number, { count: number; sum: number }>()
  for (let row = 0; row < rows; row++) {
    const key = keyOf(row, groups)
    const group = expected.get(key)
    if (group === undefined) {
      expected.set(key, { count: 1, sum: amountOf(row) })
    } else {
      group.count++
      group.sum += amountOf(row)
    }
  }
  if (result.length !== 3 * expected.size) {
    throw new Error(`The result is wrong: ${result.length / 3} groups, not ${expected.size}`)
  }
  for (let i = 0; i < result.length; i += 3) {
    const [key, count, sum] = [result[i]!, result[i + 1]!, result[i + 2]!]
    const group = expected.get(Number(key))
    if (group === undefined || BigInt(group.count) !== count || BigInt(group.sum) !== sum) {
      throw new Error(
        `The result is wrong: group ${key} has count ${count}, sum ${sum}; plain JavaScript has ${group?.count}, ${group?.sum}`,
      )
    }
  }
}

/** Allocates until there is no room, and frees it all. Returns how many blocks there were. */
function exhaust({ allocator }: Heap, blockBytes: number): number {
  const blocks: number[] = []
  for (;;) {
    const address = allocator.malloc(blockBytes)
    if (address === 0) break
    blocks.push(address)
  }
  for (const address of blocks) allocator.free(address)
  return blocks.length
}

/** The file that the heap is in. */
function openFile({ heap, size }: Options): { path: string; close(): void } {
  if (heap === undefined) {
    return createUnnamedFile(size)
  }
  const fd = openSync(heap, 'a+')
  const found = fstatSync(fd).size
  if (found === 0) ftruncateSync(fd, size)
  else if (found < MiB)
    program.error(`error: ${heap} has no heap of this sample; name another file`)
  return { path: heap, close: () => closeSync(fd) }
}

async function main(options: Options): Promise<void> {
  if (options.size < MiB || options.size > 1024 * MiB) {
    program.error(`error: --size must be 1MiB to 1GiB; got ${formatByteSize(options.size)}`)
  }
  const file = openFile(options)
  const region = HostRegion.mapFile(file.path, { writable: true })
  const words = region.view(Uint32Array, 0, headerWords)
  const known = words[header.magic] === magic
  if (!known && words[header.magic] !== 0) {
    program.error(`error: ${options.heap} has no heap of this sample; name another file`)
  }
  if (words[header.busy] !== 0) {
    program.error(`error: ${options.heap} is half written, a run was interrupted; remove the file`)
  }
  const started = performance.now()
  const binaries = [
    await compileMalloc(),
    await compileText(new URL('./group.wat', import.meta.url)),
    await compileText(new URL('./report.wat', import.meta.url)),
  ]
  const modules = await Promise.all(binaries.map((bytes) => WebAssembly.compile(bytes)))
  say(
    'Modules',
    `${binaries.map((bytes) => formatCount(bytes.length)).join(', ')} bytes: malloc (TLSF, from AssemblyScript), group, report; made in ${secondsSince(started).toFixed(1)} s`,
  )

  const heap = await openHeap(region, modules)
  if (!known) {
    heap.allocator.format()
    const buckets = 2 ** Math.ceil(Math.log2(options.groups))
    heap.header[header.table] = heap.group.create(buckets)
    if (heap.header[header.table] === 0) fail('There is no room for a hash table')
    heap.header[header.groups] = options.groups
    heap.header[header.magic] = magic
  } else {
    heap.allocator.resume()
  }
  const before = heap.header[header.rows]!
  const groups = heap.header[header.groups]!
  say(
    'Heap',
    `${formatByteSize(region.byteLength)} of a mapped file; ${known ? `an earlier run left ${formatCount(before)} rows in ${formatCount(heap.report.groups(heap.header[header.table]!))} groups` : 'new'}`,
  )

  const adding = performance.now()
  const rows = before + options.rows
  addRows(heap, before, rows, groups)
  const took = secondsSince(adding)
  const result = collect(heap)
  say(
    'Grouped',
    `${formatCount(options.rows)} rows in ${took.toFixed(2)} s; ${formatCount(result.length / 3)} groups, read by the host at address ${result.byteOffset}`,
  )
  verify(result, rows, groups)
  say('Verified', 'count and sum of every group are those of plain JavaScript')
  const report = result.slice()
  heap.allocator.free(result.byteOffset)

  const blocks = exhaust(heap, 64 * 1024)
  if (exhaust(heap, 64 * 1024) !== blocks) throw new Error('What was freed is not free')
  let refusal = ''
  try {
    heap.memory.grow(1)
  } catch (error) {
    refusal = (error as Error).name
  }
  say(
    'Full',
    `after ${formatCount(blocks)} more blocks of 64 KiB malloc returned 0; grow() of a memory of the host: ${refusal}`,
  )

  // All that is left are the bytes of the file.
  heap.memory.attach(null)
  region.close()
  const again = HostRegion.mapFile(file.path, { writable: true })
  const resumed = await openHeap(again, modules)
  resumed.allocator.resume()
  const same = collect(resumed)
  if (report.some((value, i) => value !== same[i])) {
    throw new Error('The heap is not what it was before the region was closed')
  }
  resumed.allocator.free(same.byteOffset)
  if (exhaust(resumed, 64 * 1024) !== blocks) throw new Error('The resumed heap has lost memory')
  say('Resumed', 'new instances over the file found the same groups, and as much room')
  if (options.heap === undefined) {
    resumed.group.destroy(resumed.header[header.table]!)
    const all = exhaust(resumed, 64 * 1024)
    say(
      'Freed',
      `without the table there is room for ${formatCount(all)} blocks, ${formatByteSize(all * 64 * 1024)}`,
    )
  } else {
    say('Kept', `${options.heap}: run again to add rows`)
  }
  resumed.memory.attach(null)
  again.close()
  file.close()
}

await runSample<Options>(program, main)
