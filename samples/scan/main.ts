// Sum, smallest and largest of the integers in a file, which is mapped, not read: WebAssembly sees it through a window that
// moves on, and what has passed leaves the memory of the process. So the file may be larger than the machine's memory.
//
//   npm run sample scan
//   npm run sample scan -- --size 8GiB --window 1GiB
//   npm run sample scan -- --file any-large-file

import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { Command, Option } from 'commander'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { byteSize, integer } from '../../terminal/option-types.ts'
import { startProgress } from '../../terminal/progress.ts'
import { compileText } from '../shared/compile-text.ts'
import { availableMemory, windowSize } from '../shared/option-types.ts'
import { formatCount, say, secondsSince } from '../shared/report.ts'
import { residentFileBytes } from '../shared/resident.ts'
import { runSample } from '../shared/run-sample.ts'
import { createUnnamedFile } from '../shared/unnamed-file.ts'

const MiB = 2 ** 20
const GiB = 2 ** 30

interface Options {
  size?: number
  file?: string
  window: number
  kernel: 'scalar' | 'simd' | 'both'
  runs: number
}

const program: Command = new Command('npm run sample scan --')
  .description(
    'Scans a mapped file that is larger than the window through which WebAssembly sees it: sum, smallest and largest of its ' +
      '32-bit integers, one at a time and four at a time (SIMD). The result is checked against plain JavaScript, which reads ' +
      'the file.',
  )
  .option(
    '--size <bytes>',
    'size of the file to make (default: a quarter of the memory available, at most 2GiB)',
    byteSize,
  )
  .addOption(
    new Option('--file <path>', 'scan this file instead; it is not changed').conflicts('size'),
  )
  .addOption(
    new Option('--window <bytes>', 'the most that WebAssembly sees at a time, up to 4GiB')
      .argParser(windowSize)
      .default(256 * MiB, '256MiB'),
  )
  .addOption(
    new Option('--kernel <name>', 'which of the two programs runs')
      .choices(['scalar', 'simd', 'both'])
      .default('both'),
  )
  .option('--runs <number>', 'times that each runs', integer(1, 1000), 2)

interface Aggregate {
  readonly sum: bigint
  readonly min: number
  readonly max: number
}

const floorTo = (unit: number, value: number) => Math.floor(value / unit) * unit

const show = ({ sum, min, max }: Aggregate) =>
  `sum ${formatCount(sum)}, min ${formatCount(min)}, max ${formatCount(max)}`

/** Fills a file with 32-bit integers: copies of the same random ones, each with its number in front. */
function writeIntegers(fd: number, byteLength: number): void {
  const copy = new Int32Array(4 * MiB)
  let state = 1
  for (let i = 0; i < copy.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    copy[i] = state
  }
  const progress = startProgress('Writing', byteLength, formatByteSize)
  for (let at = 0; at < byteLength; ) {
    copy[0] = Math.floor(at / copy.byteLength)
    at += writeSync(fd, copy, 0, Math.min(copy.byteLength, byteLength - at), at)
    progress.update(at)
  }
  progress.stop()
}

/** The same in plain JavaScript, which reads the file part by part. */
function scanInJavaScript(fd: number, byteLength: number): Aggregate {
  const part = new Int32Array(4 * MiB)
  let sum = 0n
  let min = 2 ** 31 - 1
  let max = -(2 ** 31)
  const progress = startProgress('Checking', byteLength, formatByteSize)
  for (let at = 0; at < byteLength; ) {
    const wanted = Math.min(part.byteLength, byteLength - at)
    for (let got = 0; got < wanted; ) {
      const bytes = readSync(fd, part, got, wanted - got, at + got)
      if (bytes === 0) throw new Error('The file became shorter while it was read')
      got += bytes
    }
    // A double adds that many 32-bit integers exactly.
    let partial = 0
    for (let i = 0; i < wanted / 4; i++) {
      const value = part[i]!
      partial += value
      if (value < min) min = value
      if (value > max) max = value
    }
    sum += BigInt(partial)
    at += wanted
    progress.update(at)
  }
  progress.stop()
  return { sum, min, max }
}

async function main(options: Options): Promise<void> {
  // Windows of whole vectors, and their length in 32 bits.
  const window = floorTo(16, Math.min(options.window, 4 * GiB - 64 * 1024))
  if (window === 0) program.error('error: --window must be at least 16 bytes')

  let fd: number
  let path: string
  if (options.file === undefined) {
    const size = floorTo(4, options.size ?? Math.min(2 * GiB, availableMemory() / 4))
    const file = createUnnamedFile(size)
    writeIntegers(file.fd, size)
    ;({ fd, path } = file)
  } else {
    path = options.file
    fd = openSync(path, 'r')
  }
  using whole = HostRegion.mapFile(path)
  const region = whole.subarray(0, floorTo(4, whole.byteLength))
  if (region.byteLength === 0) program.error('error: the file has no 32-bit integer in it')
  say(
    'File',
    `${formatByteSize(region.byteLength)}, ${formatCount(region.byteLength / 4)} integers, mapped; windows of ${formatByteSize(window)}`,
  )

  let resident = 0
  let result: Aggregate | undefined
  for (const kernel of options.kernel === 'both' ? ['scalar', 'simd'] : [options.kernel]) {
    const bytes = await compileText(new URL(`./${kernel}.wat`, import.meta.url))
    for (let run = 1; run <= options.runs; run++) {
      const progress = startProgress(kernel, region.byteLength, formatByteSize)
      let before = 0
      using feeder = new ChunkFeeder(region, {
        windowSize: window,
        onProgress({ position }) {
          progress.update(position)
          resident = Math.max(resident, residentFileBytes() - before)
        },
      })
      const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
      before = residentFileBytes()
      const started = performance.now()
      const [sum, min, max] = instance.exports.run() as [bigint, number, number]
      const took = secondsSince(started)
      progress.stop()
      say(
        kernel,
        `${took.toFixed(2)} s, ${(region.byteLength / took / 1e9).toFixed(2)} GB/s, ${feeder.windows} ${feeder.windows === 1 ? 'window' : 'windows'}`,
      )
      if (result !== undefined && show(result) !== show({ sum, min, max })) {
        throw new Error(`${kernel} gave ${show({ sum, min, max })}, not ${show(result)}`)
      }
      result = { sum, min, max }
    }
  }
  say('Result', show(result!))
  say(
    'Resident',
    `at most ${formatByteSize(resident)} of the file's ${formatByteSize(region.byteLength)} were in the memory of this process`,
  )

  const started = performance.now()
  const expected = scanInJavaScript(fd, region.byteLength)
  const took = secondsSince(started)
  closeSync(fd)
  if (show(expected) !== show(result!)) {
    throw new Error(
      `The result is wrong: plain JavaScript has ${show(expected)}; WebAssembly has ${show(result!)}`,
    )
  }
  say(
    'Verified',
    `plain JavaScript, reading the file, has the same; ${took.toFixed(2)} s, ${(region.byteLength / took / 1e9).toFixed(2)} GB/s`,
  )
}

await runSample<Options>(program, main)
