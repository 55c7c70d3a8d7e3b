// All cores over one region: text in host memory, divided where lines end, and on each core a worker thread with an instance of
// its own. The threads share the bytes; nothing is copied, and this thread stays free.
//
//   npm run sample parallel
//   npm run sample parallel -- --size 4GiB --workers 8 --column close

import { availableParallelism } from 'node:os'
import { Command, Option } from 'commander'
import { HostRegion, parallelScan } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { byteSize, integer } from '../../terminal/option-types.ts'
import { startProgress } from '../../terminal/progress.ts'
import { compileText } from '../shared/compile-text.ts'
import { fillWithCopies } from '../shared/fill-with-copies.ts'
import { availableMemory, windowSize } from '../shared/option-types.ts'
import { formatCount, say, secondsSince } from '../shared/report.ts'
import { runSample } from '../shared/run-sample.ts'
import { type ColumnSum, columnSum, sp500, sumInJavaScript } from '../shared/table.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

interface Options {
  size?: number
  workers: number
  window: number
  column: string
}

const program: Command = new Command('npm run sample parallel --')
  .description(
    'Fills host memory with the lines of a table, and sums up the integers of a column: first on one worker thread, then on ' +
      'all cores. the kernel is that of samples/records. The result is checked against plain JavaScript.',
  )
  .option(
    '--size <bytes>',
    'host memory to fill (default: an eighth of the memory available, at most 1GiB)',
    byteSize,
  )
  .addOption(
    new Option('--workers <number>', 'threads of the second run, 1 to 1024')
      .argParser(integer(1, 1024))
      .default(availableParallelism(), 'one per core'),
  )
  .addOption(
    new Option('--window <bytes>', 'the most that each instance sees at a time, up to 4GiB')
      .argParser(windowSize)
      .default(64 * MiB, '64MiB'),
  )
  .option('--column <name>', 'column to sum up', 'volume')

const show = ({ lines, sum, others }: ColumnSum) =>
  `${formatCount(lines)} lines, sum ${formatCount(sum)}, ${formatCount(others)} without an integer`

/** The result of all parts together. */
function mergeSums(parts: [bigint, bigint, bigint][]): ColumnSum {
  return parts.map(columnSum).reduce((a, b) => ({
    lines: a.lines + b.lines,
    sum: a.sum + b.sum,
    others: a.others + b.others,
  }))
}

async function main(options: Options): Promise<void> {
  const table = sp500()
  const column = table.columns.indexOf(options.column)
  if (column === -1) {
    program.error(
      `error: there is no column ${options.column} in ${table.columns.join(', ')}; choose one with --column`,
    )
  }
  const available = availableMemory()
  const size = options.size ?? Math.min(GiB, available / 8)
  if (size > 0.9 * available) {
    program.error(
      `error: --size ${formatByteSize(size)} is more than 90 % of the memory available (${formatByteSize(available)}); choose a smaller one`,
    )
  }
  const copies = Math.max(Math.floor(size / table.lines.length), 1)
  using region = HostRegion.allocate(copies * table.lines.length)
  const filling = startProgress('Filling', region.byteLength, formatByteSize)
  for (const bytes of fillWithCopies(region, table.lines)) filling.update(bytes)
  filling.stop()
  say('Memory', `${formatByteSize(region.byteLength)} of lines, in host memory`)

  const once = sumInJavaScript([table.lines.toString('latin1')], column)
  const expected: ColumnSum = {
    lines: once.lines * BigInt(copies),
    sum: once.sum * BigInt(copies),
    others: once.others * BigInt(copies),
  }

  const bytes = await compileText(new URL('../shared/sum-column.wat', import.meta.url))
  let alone = 0
  for (const workers of options.workers === 1 ? [1] : [1, options.workers]) {
    const label = workers === 1 ? '1 worker' : `${workers} workers`
    const progress = startProgress(label, region.byteLength, formatByteSize)
    const started = performance.now()
    const result = await parallelScan(bytes, region, {
      workers,
      delimiter: '\n',
      args: [column],
      windowSize: Math.min(options.window, 4 * GiB - 64 * 1024),
      merge: mergeSums,
      onProgress: ({ position }) => progress.update(position),
    }).catch((error: Error) => {
      // Whatever else goes wrong is no fault of the options.
      if (!(error instanceof RangeError)) throw error
      program.error(`error: ${error.message.replace('windowSize', '--window')}`)
    })
    const took = secondsSince(started)
    progress.stop()
    if (workers === 1) alone = took
    say(
      label,
      `${took.toFixed(2)} s with the start of threads, ${(region.byteLength / took / 1e9).toFixed(2)} GB/s${workers === 1 ? '' : `, ${(alone / took).toFixed(2)} times as fast as one`}`,
    )
    if (show(result) !== show(expected)) {
      throw new Error(
        `The result is wrong: plain JavaScript has ${show(expected)}; WebAssembly on ${label} has ${show(result)}`,
      )
    }
  }
  say('Result', `${options.column}: ${show(expected)}`)
  say(
    'Verified',
    `${formatCount(copies)} times what plain JavaScript has for the ${formatCount(once.lines)} lines of the table`,
  )
}

await runSample<Options>(program, main)
