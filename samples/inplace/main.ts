// A brightness filter over an image that is larger than the window, and may be larger than memory: the file is mapped, the
// program writes its result over its input, and what has passed goes into the file. Nothing is copied, not even the result.
//
//   npm run sample inplace
//   npm run sample inplace -- --size 4GiB --brightness -60

import { readSync, writeSync } from 'node:fs'
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
  window: number
  brightness: number
}

const program: Command = new Command('npm run sample inplace --')
  .description(
    'Makes a raw image file (three bytes per pixel, 4096 pixels per row), and brightens it in place: the file is mapped for ' +
      'writing, and WebAssembly sees it through a window that moves on. Then the file is read anew, and every byte is ' +
      'compared with what plain JavaScript makes of it.',
  )
  .option(
    '--size <bytes>',
    'size of the image (default: an eighth of the memory available, at most 1GiB)',
    byteSize,
  )
  .addOption(
    new Option('--window <bytes>', 'the most that WebAssembly sees at a time, up to 4GiB')
      .argParser(windowSize)
      .default(64 * MiB, '64MiB'),
  )
  .option('--brightness <number>', 'what to add to each byte, -255 to 255', integer(-255, 255), 40)

const pixelsPerRow = 4096
const rowBytes = 3 * pixelsPerRow
/** Rows repeat after that many. */
const distinctRows = 16_384

/** Rows of colour gradients that move to the left, each a part of one long row. */
function makeRows(brightness: number): (row: number) => Uint8Array {
  const long = new Uint8Array(rowBytes + 3 * distinctRows)
  const brighten = (value: number) => Math.min(Math.max((value & 255) + brightness, 0), 255)
  for (let pixel = 0; pixel < long.length / 3; pixel++) {
    long[3 * pixel] = brighten(pixel >> 4)
    long[3 * pixel + 1] = brighten(pixel)
    long[3 * pixel + 2] = brighten((pixel * pixel) >> 8)
  }
  return (row) => {
    const begin = 3 * (row % distinctRows)
    return long.subarray(begin, begin + rowBytes)
  }
}

/** Calls `visit` for one part of the file after the other, each of whole rows. */
function forEachPart(
  label: string,
  rows: number,
  visit: (part: Uint8Array, firstRow: number, position: number) => void,
): void {
  const rowsPerPart = 512
  const buffer = new Uint8Array(rowsPerPart * rowBytes)
  const progress = startProgress(label, rows * rowBytes, formatByteSize)
  for (let row = 0; row < rows; row += rowsPerPart) {
    const part = buffer.subarray(0, Math.min(rowsPerPart, rows - row) * rowBytes)
    visit(part, row, row * rowBytes)
    progress.update(row * rowBytes + part.length)
  }
  progress.stop()
}

async function main(options: Options): Promise<void> {
  const window = Math.floor(Math.min(options.window, 4 * GiB - 64 * 1024) / 16) * 16
  if (window === 0) program.error('error: --window must be at least 16 bytes')
  const size = options.size ?? Math.min(GiB, availableMemory() / 8)
  const rows = Math.floor(size / rowBytes)
  if (rows === 0) program.error(`error: --size must be at least ${rowBytes} bytes, a row of pixels`)
  const byteLength = rows * rowBytes

  using file = createUnnamedFile(byteLength)
  const rowOf = makeRows(0)
  forEachPart('Writing', rows, (part, firstRow, position) => {
    for (let i = 0; i < part.length / rowBytes; i++) part.set(rowOf(firstRow + i), i * rowBytes)
    writeSync(file.fd, part, 0, part.length, position)
  })
  say(
    'Image',
    `${formatCount(pixelsPerRow)} × ${formatCount(rows)} pixels, ${formatByteSize(byteLength)}, mapped for writing; windows of ${formatByteSize(window)}`,
  )

  const bytes = await compileText(new URL('./brighten.wat', import.meta.url))
  const image = HostRegion.mapFile(file.path, { writable: true })
  const progress = startProgress('Filtering', byteLength, formatByteSize)
  let before = 0
  let resident = 0
  const feeder = new ChunkFeeder(image, {
    windowSize: window,
    writable: true,
    onProgress({ position }) {
      progress.update(position)
      resident = Math.max(resident, residentFileBytes() - before)
    },
  })
  const { instance } = await WebAssembly.instantiate(bytes, { env: { next: feeder.next } })
  before = residentFileBytes()
  const started = performance.now()
  instance.exports.run(Math.max(options.brightness, 0), Math.max(-options.brightness, 0))
  const took = secondsSince(started)
  progress.stop()
  say(
    'Filtered',
    `${took.toFixed(2)} s, ${(byteLength / took / 1e9).toFixed(2)} GB/s, ${feeder.windows} ${feeder.windows === 1 ? 'window' : 'windows'}`,
  )
  say(
    'Resident',
    `at most ${formatByteSize(resident)} of the image's ${formatByteSize(byteLength)} were in the memory of this process`,
  )
  feeder.close()
  image.close()

  const expectedRowOf = makeRows(options.brightness)
  forEachPart('Checking', rows, (part, firstRow, position) => {
    if (readSync(file.fd, part, 0, part.length, position) !== part.length) {
      throw new Error('The file became shorter')
    }
    for (let i = 0; i < part.length / rowBytes; i++) {
      const row = part.subarray(i * rowBytes, (i + 1) * rowBytes)
      if (Buffer.compare(row, expectedRowOf(firstRow + i)) === 0) continue
      const at = row.findIndex((value, index) => value !== expectedRowOf(firstRow + i)[index])
      throw new Error(
        `The result is wrong: byte ${at} of row ${firstRow + i} is ${row[at]}, it was ${rowOf(firstRow + i)[at]} and should be ${expectedRowOf(firstRow + i)[at]}`,
      )
    }
  })
  say(
    'Verified',
    `all ${formatCount(byteLength)} bytes of the file, read anew, are what plain JavaScript makes of them`,
  )
}

await runSample<Options>(program, main)
