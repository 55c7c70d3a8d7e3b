// Arrays of a program's memory: printed, merged, drawn.

import {
  cpSync,
  mkdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HostRegion, HostWindows, runOnWorker, WebAssembly } from 'v8-rawmem'
import { compileC } from '../support/compile-c.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { wat } from '../support/wat.ts'
import { type Ended, start } from './command.ts'

const { command } = compilePackage()
const run = (...args: string[]) => start([...command, ...args]).ended

const source = `
  #include <rawmem.h>
  uint64_t histogram[16];
  double sums[16];
  int64_t extremes[2] = {INT64_MAX, INT64_MIN};
  struct { char odd; float value; } __attribute__((packed)) unaligned = {1, 0.1f};
  double odd[3] = {__builtin_nan(""), -__builtin_inf(), -0.0};
  static void count(void) {
    size_t length;
    const double *prices;
    while ((prices = rawmem_next(0, RAWMEM_ALL, &length)) != NULL) {
      for (size_t i = 0; i < length / 8; ++i) {
        int bin = (int)prices[i] % 16;
        histogram[bin] += 1;
        sums[bin] += prices[i];
        if (prices[i] < extremes[0]) extremes[0] = prices[i];
        if (prices[i] > extremes[1]) extremes[1] = prices[i];
      }
    }
    histogram[15] += UINT64_C(1) << 60;
  }`
const names = ['histogram', 'sums', 'extremes', 'unaligned', 'odd']
const flags = names.map((name) => `-Wl,--export=${name}`)
const [library, program] = [
  await compileC(`${source} __attribute__((export_name("run"))) void run(void) { count(); }`, [
    '-mexec-model=reactor',
    ...flags,
  ]),
  await compileC(
    `#include <stdio.h>\n${source} int main(void) { count(); puts("done"); return 3; }`,
    flags,
  ),
]

const prices = Float64Array.from({ length: 5000 }, (_, i) => (i * i) % 97)
const bins = (of: (price: number) => number) =>
  Array.from({ length: 16 }, (_, bin) =>
    prices.reduce((sum, price) => sum + (price % 16 === bin ? of(price) : 0), 0),
  )
/** By so many threads, each of which adds 2^60 to the last one. */
const histogram = (threads: bigint) =>
  bins(() => 1).map((count, bin) => BigInt(count) + (bin === 15 ? threads << 60n : 0n))

function files(t: ExecutionContext): (name: string) => string {
  const folder = temporaryFolder(t)
  const at = (name: string) => join(folder, name)
  writeFileSync(at('library.wasm'), library)
  writeFileSync(at('program.wasm'), program)
  writeFileSync(at('prices.f64'), prices)
  return at
}

function refused(t: ExecutionContext, { exitCode, stdout, stderr }: Ended, message: RegExp): void {
  t.regex(stderr, message)
  t.is(exitCode, 1)
  t.is(stdout, '')
}

test('arrays are printed in the order of the options, one a line', async (t) => {
  const at = files(t)
  const { exitCode, stdout, stderr } = await run(
    ...['run', at('library.wasm'), '--map', at('prices.f64'), '--print', 'u64:16@histogram'],
    ...['--print', 'f64:16@sums', '--print', 'i64:2@extremes', '--print', 'f64:3@odd'],
  )
  t.is(exitCode, 0, stderr)
  t.is(
    stdout,
    `${histogram(1n).join(' ')}\n${bins((price) => price).join(' ')}\n0 96\nNaN -Infinity 0\n`,
  )
})

test('JSON has them exactly, 64-bit integers and what is not finite as strings', async (t) => {
  const at = files(t)
  const { stdout, stderr } = await run(
    ...['run', at('library.wasm'), '--map', at('prices.f64'), '--print', 'u64:16@histogram'],
    ...['--print', 'f64:2@odd', '--json'],
  )
  t.deepEqual(
    JSON.parse(stdout).arrays,
    [
      { print: 'u64:16@histogram', values: histogram(1n).map(String) },
      { print: 'f64:2@odd', values: ['NaN', '-Infinity'] },
    ],
    stderr,
  )
})

test('addresses of any alignment', async (t) => {
  const at = files(t)
  using region = HostRegion.mapFile(at('prices.f64'))
  using windows = new HostWindows([region])
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(library), {
    ...windows.imports,
  })
  const address = exports.unaligned.value + 1
  t.is(address % 2, 1)
  const words = ['run', at('library.wasm'), '--map', at('prices.f64')]
  for (const place of [String(address), `0x${address.toString(16)}`]) {
    const { stdout, stderr } = await run(...words, '--print', `f32:1@${place}`)
    t.is(stdout, `${Math.fround(0.1)}\n`, stderr)
  }
})

test('from TypeScript: typed arrays of each part', async (t) => {
  const at = files(t)
  using region = HostRegion.mapFile(at('prices.f64'))
  const told: [number, unknown][] = []
  const options = {
    arrays: [{ type: 'f64', count: 16, at: 'sums' }] as const,
    onArrays: (arrays: unknown, part: number) => told.push([part, arrays]),
  }
  await runOnWorker(library, region, options)
  t.deepEqual(told, [[0, [Float64Array.from(bins((price) => price))]]])
  await t.throwsAsync(runOnWorker(library, region, { arrays: options.arrays }), {
    message: /^onArrays must be a function/,
  })
  for (const [array, message] of [
    [1, /^arrays\[0\] must be an object/],
    [{ type: 'toString', count: 1, at: 0 }, /^arrays\[0\]\.type must be one of i8, .*; got/],
    [{ type: 'i8', count: 0, at: 0 }, /^arrays\[0\]\.count must be an integer from 1/],
    [{ type: 'i8', count: 1, at: -1 }, /^arrays\[0\]\.at must be an integer from 0/],
  ] as const) {
    const wrong = { ...options, arrays: [array] as never }
    await t.throwsAsync(runOnWorker(library, region, wrong), { message })
  }
})

test('threads: arrays are merged as results are, and not without being told how', async (t) => {
  const at = files(t)
  const words = [
    ...['run', at('library.wasm'), '--map', at('prices.f64'), '--record-bytes', '8'],
    ...['--parallel', '3', '--print', 'u64:16@histogram'],
  ]
  const summed = await run(...words, '--merge', 'sum')
  t.is(summed.stdout, `${histogram(3n).join(' ')}\n`, summed.stderr)
  const lowest = await run(...words, '--print', 'i64:2@extremes', '--merge', 'max')
  t.is(lowest.stdout.split('\n')[1], '0 96', lowest.stderr)
  refused(t, await run(...words), /of 3 threads are printed as one.* --merge sum, min or max/)
})

test('parts of a cluster carry their arrays, and merge makes them one', async (t) => {
  const at = files(t)
  const paths: string[] = []
  for (const i of [1, 2, 3]) {
    const { stdout, stderr } = await run(
      ...['run', at('library.wasm'), '--map', at('prices.f64'), '--record-bytes', '8'],
      ...['--print', 'u64:16@histogram', '--print', 'f64:1@odd', '--part', `${i}/3`],
    )
    t.is(stdout.split('\n').length, 2, stderr)
    paths.push(at(`part-${i}.json`))
    writeFileSync(paths.at(-1)!, stdout)
  }
  const { stdout, stderr } = await run('merge', ...paths, '--merge', 'sum', '--plot')
  t.is(stdout, `${histogram(3n).join(' ')}\nNaN\n`)
  t.regex(stderr, /^u64:16@histogram\n.*\n.*┤/)
  const json = await run('merge', ...paths, '--merge', 'sum', '--json')
  t.deepEqual(JSON.parse(json.stdout).arrays[0].values, histogram(3n).map(String))
  refused(t, await run('merge', ...paths), /Arrays of 3 parts are printed as one/)

  const part = JSON.parse(readFileSync(paths[1]!, 'utf8'))
  part.call.print[0] = 'f64:16@histogram'
  writeFileSync(paths[1]!, JSON.stringify(part))
  refused(t, await run('merge', ...paths, '--merge', 'sum'), /another call \(.*--print\)/)
})

test('a program with a main function: behind its output, JSON on stderr', async (t) => {
  const at = files(t)
  const words = [
    'run',
    at('program.wasm'),
    '--map',
    at('prices.f64'),
    '--print',
    'u64:16@histogram',
  ]
  const plain = await run(...words)
  t.is(plain.exitCode, 3, plain.stderr)
  t.is(plain.stdout, `done\n${histogram(1n).join(' ')}\n`)
  const two = ['--parallel', '2', '--record-bytes', '8', '--merge', 'sum', '--json']
  const merged = await run(...words, ...two)
  t.is(merged.exitCode, 3, merged.stderr)
  t.is(merged.stdout, 'done\ndone\n')
  t.deepEqual(JSON.parse(merged.stderr).arrays[0].values, histogram(2n).map(String))
})

test('what cannot be printed is refused, with what there is', async (t) => {
  const at = files(t)
  const words = ['run', at('library.wasm'), '--map', at('prices.f64'), '--print']
  const without = at('without.wasm')
  writeFileSync(
    without,
    wat(`(module
      (import "env" "next" (func $next (result i32))) (memory 1)
      (global (export "half") f64 (f64.const 0.5)) (func (export "run")))`),
  )
  const cases: [string, RegExp][] = [
    [
      'f64:16@missing',
      /exports no global 'missing'; its globals are: .*histogram.*--export=<name>/,
    ],
    ['f64:1000000@sums', /f64:1000000@sums is outside the memory: .* bytes \d+ to \d+ of \d+/],
    ['f64:1@0x80000000', /is outside the memory/],
    ['f128:1@sums', /There is no type f128; there are i8, u8/],
    ['f64:0@sums', /Give <type>:<count>@/],
    ['f64@sums', /Give <type>:<count>@/],
  ]
  for (const [text, message] of cases) refused(t, await run(...words, text), message)
  const [name, ...rest] = words.slice(2)
  refused(t, await run('run', without, name!, ...rest, 'f64:1@half'), /exports no memory/)
  refused(t, await run(...words.slice(0, -1), '--plot'), /--plot has nothing to draw/)
  refused(t, await run(...words, 'f64:1@sums', '--plot', 'out.png'), /a file that ends in \.svg/)
})

test('--plot draws in the terminal, from zero, as wide as there is room', async (t) => {
  const at = files(t)
  const { stdout, stderr } = await run(
    ...['run', at('library.wasm'), '--map', at('prices.f64')],
    ...['--print', 'f64:16@sums', '--print', 'u8:1000@histogram', '--print', 'f64:3@odd', '--plot'],
  )
  t.is(stdout.split('\n').length, 4)
  const [first, second, third] = stderr.slice(stderr.indexOf('f64:16')).split(/\n(?=\w+:\d+@)/)
  const most = Math.max(...bins((price) => price))
  t.regex(first!, new RegExp(`^f64:16@sums\n +${most} ┼`))
  t.regex(first!, /\n +0 ┤.*\n {14}0 {13}15\n?$/)
  t.regex(second!, /^u8:1000@histogram \(means of up to 16 values\)\n/)
  t.true(second!.split('\n').every((line) => line.length <= 80))
  t.regex(third!, /^f64:3@odd: no chart, as some values are not finite/)
})

test('--plot writes an SVG, by packages that may be missing', async (t) => {
  const at = files(t)
  const words = [
    ...['run', at('library.wasm'), '--map', at('prices.f64'), '--print', 'f64:16@sums'],
    ...['--print', 'f64:16@histogram', '--plot', at('out.svg')],
  ]
  const { exitCode, stderr } = await run(...words)
  t.is(exitCode, 0, stderr)
  const svg = readFileSync(at('out.svg'), 'utf8')
  t.regex(svg, /^<svg .*f64:16@sums.*f64:16@histogram.*<\/svg>$/s)
  t.true((svg.match(/aria-roledescription="bar"/g) ?? []).length >= 32)
  rmSync(at('out.svg'))

  refused(t, await run(...words.slice(0, -1), at('none/out.svg')), /cannot be written/)

  // As it is installed, with its dependencies alone.
  const packageFolder = dirname(compilePackage().dist)
  cpSync(join(packageFolder, 'dist'), at('dist'), { recursive: true })
  cpSync(join(packageFolder, 'package.json'), at('package.json'))
  const { dependencies } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
  mkdirSync(at('node_modules'))
  for (const name of [...Object.keys(dependencies), '@v8-rawmem']) {
    symlinkSync(realpathSync(join(packageFolder, 'node_modules', name)), at(`node_modules/${name}`))
  }
  const installed = (...args: string[]) =>
    start([process.execPath, at('dist/cli/main.js'), ...args]).ended
  refused(t, await installed(...words), /vega.* cannot be loaded: .*npm install vega vega-lite/)
  t.regex((await installed(...words.slice(0, -1))).stderr, /f64:16@sums\n.*┼/)
})
