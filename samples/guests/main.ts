// One ordinary program in C, C++, Rust and AssemblyScript: statics, a stack, a heap, a map, printf. It reads two columns of trades
// in lockstep, which are files that the host maps. Each language prints the same, and the host reads the result in its memory.
//
//   npm run sample guests
//   npm run sample guests -- --trades 50000000
//   npm run sample guests -- --compile
//   V8_RAWMEM_BACKEND=node-rewire npm run sample guests

import { deepStrictEqual, strictEqual } from 'node:assert/strict'
import { writeFileSync, writeSync } from 'node:fs'
import { Command } from 'commander'
import { HostRegion, HostWindows, WebAssembly, wasi } from 'v8-rawmem'
import { formatByteSize } from '../../terminal/byte-size.ts'
import { integer } from '../../terminal/option-types.ts'
import { formatCount, say, secondsSince } from '../shared/report.ts'
import { runSample } from '../shared/run-sample.ts'
import { createUnnamedFile, type UnnamedFile } from '../shared/unnamed-file.ts'
import { makeTrades, readSummary, summarize, textOf } from './columns.ts'
import { type GuestRecord, guests, readInRepository, recordOf } from './compile.ts'

interface Options {
  trades: number
  compile: boolean
}

const program: Command = new Command('npm run sample guests --')
  .description(
    'Runs the same program, compiled from four languages, over two mapped files in host windows, and compares what it ' +
      'prints and what it leaves in its memory with what plain JavaScript makes of the files.',
  )
  .option('--trades <n>', 'how many there are', integer(1, 2 ** 28), 4_000_000)
  .option('--compile', 'compile the programs anew first, where there is a compiler', false)

function fileOf(column: Float64Array | Uint32Array): UnnamedFile {
  const file = createUnnamedFile(column.byteLength)
  for (let at = 0; at < column.byteLength; ) {
    at += writeSync(file.fd, column, at, column.byteLength - at, at)
  }
  return file
}

async function compile(): Promise<void> {
  const records: Record<string, GuestRecord> = {}
  for (const guest of guests) {
    const module = await guest.compile()
    if (module !== undefined)
      writeFileSync(new URL(`../../${guest.module}`, import.meta.url), module)
    say(guest.language, module === undefined ? 'no compiler here' : formatByteSize(module.length))
    const present = module ?? readInRepository(guest.module)
    records[guest.language] = recordOf(guest, present)
  }
  writeFileSync(new URL('modules.json', import.meta.url), `${JSON.stringify(records, null, 2)}\n`)
}

async function main(options: Options): Promise<void> {
  if (options.compile) await compile()

  const columns = makeTrades(options.trades)
  const expected = summarize(columns)
  using pricesFile = fileOf(columns.prices)
  using volumesFile = fileOf(columns.volumes)
  using prices = HostRegion.mapFile(pricesFile.path)
  using volumes = HostRegion.mapFile(volumesFile.path)
  say('Columns', `${formatCount(options.trades)} prices (f64) and volumes (u32), in two files`)

  for (const { language, module } of guests) {
    using windows = new HostWindows([prices, volumes])
    let printed = ''
    const host = wasi({
      args: ['trades', language],
      stdout: (bytes) => {
        printed += Buffer.from(bytes).toString()
      },
    })
    const { instance } = await WebAssembly.instantiate(readInRepository(module), {
      ...host.imports,
      ...windows.imports,
    })
    const started = performance.now()
    strictEqual(host.start(instance), 0)
    const took = secondsSince(started)
    const { memory, result } = instance.exports
    deepStrictEqual(readSummary(memory.buffer, result.value), expected, language)
    strictEqual(printed, textOf(language, columns, expected))
    const bytes = prices.byteLength + volumes.byteLength
    say(language, `${took.toFixed(3)} s, ${(bytes / took / 1e9).toFixed(2)} GB/s`)
  }
  say('Verified', 'all four print, and leave in their memory, what plain JavaScript finds')
}

await runSample<Options>(program, main)
