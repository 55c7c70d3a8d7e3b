// Lines of text in a mapped file, read by WebAssembly through a window that moves on. Windows do not end where lines end: the
// program says how many bytes it has used up, and the next window begins there, so that every line is seen whole once.
//
//   npm run sample records
//   npm run sample records -- --column close --window 1MiB
//   npm run sample records -- --file table.csv --column amount

import { closeSync, openSync, writeSync } from 'node:fs'
import { Command, Option } from 'commander'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { byteSize } from '../../terminal/option-types.ts'
import { startProgress } from '../../terminal/progress.ts'
import { compileText } from '../shared/compile-text.ts'
import { availableMemory, windowSize } from '../shared/option-types.ts'
import { formatCount, say, secondsSince } from '../shared/report.ts'
import { runSample } from '../shared/run-sample.ts'
import {
  type ColumnSum,
  columnSum,
  readHeader,
  readText,
  sp500,
  sumInJavaScript,
  type Table,
} from '../shared/table.ts'
import { createUnnamedFile } from '../shared/unnamed-file.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

interface Options {
  size?: number
  file?: string
  column: string
  window: number
}

const program: Command = new Command('npm run sample records --')
  .description(
    'Counts the lines of a table in text, and sums up the integers of a column, through a window that is smaller than the ' +
      'file and ends in the middle of lines. The table is repeated until the file is large enough. The result is checked ' +
      'against plain JavaScript, which reads the file.',
  )
  .option(
    '--size <bytes>',
    'size of the file to make (default: an eighth of the memory available, at most 256MiB)',
    byteSize,
  )
  .addOption(
    new Option(
      '--file <path>',
      'read this table instead: comma-separated fields without quotes, names in the first line',
    ).conflicts('size'),
  )
  .option('--column <name>', 'column to sum up', 'volume')
  .addOption(
    new Option('--window <bytes>', 'the most that WebAssembly sees at a time, up to 4GiB')
      .argParser(windowSize)
      .default(64 * MiB, '64MiB'),
  )

const show = ({ lines, sum, others }: ColumnSum) =>
  `${formatCount(lines)} lines, sum ${formatCount(sum)}, ${formatCount(others)} without an integer`

/** Writes the table with its lines repeated, the last one without a newline. Returns how long it became. */
function writeTable(fd: number, byteLength: number, { columns, lines }: Table): number {
  const header = Buffer.from(`${columns.join(',')}\n`)
  // Enough at a time that writing is not slow.
  const copies = Buffer.concat(Array(Math.ceil((4 * MiB) / lines.length)).fill(lines))
  const fit = Math.max(Math.floor((byteLength - header.length) / lines.length), 1)
  const end = header.length + fit * lines.length - 1
  const progress = startProgress('Writing', end, formatByteSize)
  writeSync(fd, header)
  for (let at = header.length; at < end; ) {
    const from = (at - header.length) % copies.length
    at += writeSync(fd, copies, from, Math.min(copies.length - from, end - at), at)
    progress.update(at)
  }
  progress.stop()
  return end
}

async function main(options: Options): Promise<void> {
  let fd: number
  let path: string
  let length: number | undefined
  if (options.file === undefined) {
    const size = Math.floor(options.size ?? Math.min(256 * MiB, availableMemory() / 8))
    ;({ fd, path } = createUnnamedFile(size))
    length = writeTable(fd, size, sp500())
  } else {
    path = options.file
    fd = openSync(path, 'r')
  }
  using file = HostRegion.mapFile(path, length === undefined ? {} : { length })
  const header = readHeader(Buffer.from(file.subarray(0, MiB).view(Uint8Array)))
  const column = header.columns.indexOf(options.column)
  if (column === -1) {
    program.error(
      `error: there is no column ${options.column} in ${header.columns.join(', ')}; choose one with --column`,
    )
  }
  // Where the lines begin is an address like any other.
  const lines = file.subarray(header.byteLength)
  say(
    'File',
    `${formatByteSize(lines.byteLength)} of lines, mapped, columns ${header.columns.join(', ')}; windows of ${formatByteSize(options.window)}`,
  )

  const bytes = await compileText(new URL('../shared/sum-column.wat', import.meta.url))
  const progress = startProgress('Reading', lines.byteLength, formatByteSize)
  using feeder = new ChunkFeeder(lines, {
    windowSize: Math.min(options.window, 4 * GiB - 64 * 1024),
    onProgress: ({ position }) => progress.update(position),
  })
  const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
  const started = performance.now()
  const result = columnSum(runOrExplain(() => instance.exports.run(column)))
  const took = secondsSince(started)
  // Up to the rest without a newline, which no window begins behind.
  progress.update(lines.byteLength)
  progress.stop()
  say(
    'Read',
    `${took.toFixed(2)} s, ${(lines.byteLength / took / 1e9).toFixed(2)} GB/s, ${feeder.windows} ${feeder.windows === 1 ? 'window' : 'windows'}`,
  )
  say('Result', `${options.column}: ${show(result)}`)

  const checking = startProgress('Checking', lines.byteLength, formatByteSize)
  const checked = performance.now()
  const text = readText(fd, header.byteLength, file.byteLength, (position) =>
    checking.update(position),
  )
  const expected = sumInJavaScript(text, column)
  const checkTook = secondsSince(checked)
  checking.stop()
  closeSync(fd)
  if (show(expected) !== show(result)) {
    throw new Error(
      `The result is wrong: plain JavaScript has ${show(expected)}; WebAssembly has ${show(result)}`,
    )
  }
  say(
    'Verified',
    `plain JavaScript, reading the file, has the same; ${checkTook.toFixed(2)} s, ${(lines.byteLength / checkTook / 1e9).toFixed(2)} GB/s`,
  )
}

/** A program that finds no end of a line in a whole window can only ask for the same window again, which is refused. */
function runOrExplain<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    program.error(`error: ${error.message.replace('windowSize', '--window')}`)
  }
}

await runSample<Options>(program, main)
