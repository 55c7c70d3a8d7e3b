// Runs a query, compiled to WebAssembly, over several gigabytes that WebAssembly never allocated.
//
//   npm start
//   npm start -- --backend node-rewire
//   npm start -- --size 8GiB --window 2GiB --where "origin = 'SFO' and hour >= 18" --value "delay * distance"

import { setImmediate as nextTurn } from 'node:timers/promises'
import { openBackend } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { type Progress, startProgress } from '../../terminal/progress.ts'
import { fillWithCopies } from '../shared/fill-with-copies.ts'
import { availableMemory } from '../shared/option-types.ts'
import { formatCount as count, say, secondsSince as seconds } from '../shared/report.ts'
import { layoutFor, packBlocks } from './blocks.ts'
import { flightSchema, openFlights } from './columns.ts'
import { columnsOf, ExpressionError, parseExpression, resolveTexts } from './expression.ts'
import type { KernelExports } from './kernel.ts'
import { type Options, program } from './options.ts'
import type { Aggregate, Query } from './query.ts'
import { runInJavaScript } from './reference.ts'

const GiB = 2 ** 30
const wasmPage = 65_536
const systemPage = 4096

/** Bytes to fill: what was asked for, if there is room for it. */
function chooseSize(asked: number | undefined, tile: number): number {
  const available = availableMemory()
  const size = asked ?? Math.min(5 * GiB, 0.4 * available)
  if (asked !== undefined && asked < tile) {
    program.error(
      `error: --size must be at least ${tile} bytes, one copy of the columns; got ${asked}`,
    )
  }
  if (size > 0.9 * available) {
    program.error(
      `error: --size ${formatByteSize(size)} is more than 90 % of the memory available (${formatByteSize(available)}); choose a smaller one`,
    )
  }
  return Math.max(Math.floor(size / tile), 1) * tile
}

function equals(a: Aggregate, b: Aggregate): boolean {
  return a.count === b.count && a.sum === b.sum && a.min === b.min && a.max === b.max
}

/** Both a and b divide it. */
function leastCommonMultiple(a: number, b: number): number {
  let [divisor, rest] = [a, b]
  while (rest !== 0) [divisor, rest] = [rest, divisor % rest]
  return (a / divisor) * b
}

async function main(options: Options): Promise<void> {
  const { name, WebAssembly, HostRegion, ChunkFeeder } = openBackend(options.backend)
  const filter = parseExpression(options.where, flightSchema, 'truth')
  const value = parseExpression(options.value, flightSchema, 'number')
  const names = columnsOf(filter, value)
  if (names.length === 0) {
    throw new ExpressionError('Neither --where nor --value names a column')
  }

  // All flights once, in blocks, and then as many copies of that as there is room for.
  const flights = openFlights()
  const layout = layoutFor(names, flights.rows)
  // Windows of whole blocks, whose lengths an i32 can say. On node-rewire they are made of the system's pages, too.
  const rewires = name === 'node-rewire'
  const step = rewires ? leastCommonMultiple(layout.blockBytes, systemPage) : layout.blockBytes
  if (options.window < step) {
    program.error(
      `error: --window must be at least ${step} bytes, ${rewires ? `blocks of rows that fill whole pages, for the backend ${name}` : 'one block of rows'}; got ${options.window}`,
    )
  }
  const windowSize = Math.floor(Math.min(options.window, 2 ** 32 - 1) / step) * step
  const tileBytes = (flights.rows / layout.rows) * layout.blockBytes
  using region = HostRegion.allocate(chooseSize(options.size, tileBytes))

  const reading = startProgress('Reading', flights.rows * names.length, count)
  const columns = await flights.read(names, (values) => reading.update(values))
  reading.stop()
  const codesOf = (name: string) => columns.get(name)?.codes
  const query: Query = {
    filter: resolveTexts(filter, codesOf),
    value: resolveTexts(value, codesOf),
  }
  const tile = packBlocks(layout, columns)
  const copies = region.byteLength / tile.length
  const filling = startProgress('Filling', region.byteLength, formatByteSize)
  const filled = performance.now()
  for (const bytes of fillWithCopies(region, tile)) {
    filling.update(bytes)
    // So that Ctrl-C is heard.
    await nextTurn()
  }
  filling.stop()
  say(
    'Memory',
    `${count(copies)} × ${count(flights.rows)} flights, columns ${names.join(', ')}: ${formatByteSize(region.byteLength)} of host memory, filled in ${seconds(filled).toFixed(1)} s`,
  )

  say(
    'Query',
    `SELECT count(*), avg(${options.value}), min(${options.value}), max(${options.value}) WHERE ${options.where}`,
  )
  // Binaryen takes long to load: only once the arguments are known to be right.
  const { compileQuery } = await import('./kernel.ts')
  const compiling = performance.now()
  // There a window lies in a memory that is as large; its pages are not committed.
  const ownPages = rewires ? Math.ceil(windowSize / wasmPage) : 0
  const bytes = compileQuery(query, layout, ownPages)
  say(
    'Module',
    `${count(bytes.length)} bytes of WebAssembly with SIMD, compiled in ${seconds(compiling).toFixed(1)} s for ${name}; memory of its own: ${ownPages === 0 ? '0 bytes' : `${formatByteSize(ownPages * wasmPage)} of addresses`}`,
  )

  let running: Progress | undefined
  using feeder = new ChunkFeeder(region, {
    windowSize,
    onProgress: ({ position }) => running?.update(position),
  })
  const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
  const { run } = instance.exports as unknown as KernelExports

  const lines: string[] = []
  let result: Aggregate | undefined
  for (let i = 1; i <= options.runs; i++) {
    running = startProgress(`Run ${i}`, region.byteLength, formatByteSize)
    feeder.rewind()
    const started = performance.now()
    const [matched, sum, min, max] = run()
    const took = seconds(started)
    running.stop()
    lines.push(
      `${took.toFixed(2)} s, ${count(Math.round((copies * flights.rows) / took / 1e6))} million rows/s, ${(region.byteLength / took / 1e9).toFixed(2)} GB/s, ${feeder.windows} ${feeder.windows === 1 ? 'window' : 'windows'} of up to ${formatByteSize(windowSize)}`,
    )
    const now: Aggregate = { count: matched, sum, min, max }
    if (result !== undefined && !equals(result, now)) {
      throw new Error(`Run ${i} gave another result than run ${i - 1}`)
    }
    result = now
  }
  lines.forEach((line, i) => {
    say(`Run ${i + 1}`, line)
  })

  const matched = result!
  const average = Number(matched.sum) / Number(matched.count)
  say(
    'Result',
    matched.count === 0n
      ? 'no flight matches'
      : `count ${count(matched.count)}, average ${average.toFixed(3)}, min ${matched.min}, max ${matched.max}`,
  )

  const once = runInJavaScript(query, columns)
  const expected: Aggregate = {
    ...once,
    count: once.count * BigInt(copies),
    sum: once.sum * BigInt(copies),
  }
  if (!equals(matched, expected)) {
    throw new Error(
      `The result is wrong: plain JavaScript counts ${expected.count}, sum ${expected.sum}, min ${expected.min}, max ${expected.max}; WebAssembly counts ${matched.count}, sum ${matched.sum}, min ${matched.min}, max ${matched.max}`,
    )
  }
  say(
    'Verified',
    `count and sum ${count(matched.sum)} are exactly ${count(copies)} times those of plain JavaScript over the ${count(flights.rows)} flights`,
  )
  say('Copied', '0 bytes into WebAssembly memory: every window was the host memory itself')
}

program.parse()
try {
  await main(program.opts<Options>())
} catch (error) {
  const { code } = error as NodeJS.ErrnoException
  if (!(error instanceof ExpressionError) && code === undefined) throw error
  program.error(`error: ${(error as Error).message}`)
}
