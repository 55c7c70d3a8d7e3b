// Programs of ordinary compilers, run from the command line.

import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { makeTrades, summarize, textOf } from '../../samples/guests/columns.ts'
import { compileC } from '../support/compile-c.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { start } from './command.ts'

const { command } = compilePackage()
const run = (...args: string[]) => start([...command, 'run', ...args]).ended

const trades = fileURLToPath(new URL('../../samples/guests/c/trades.wasm', import.meta.url))
const columns = makeTrades(100_000)
const text = textOf('trades', columns, summarize(columns))

/** The two columns as files. */
function files(t: ExecutionContext) {
  const folder = temporaryFolder(t)
  const [prices, volumes] = [join(folder, 'prices.f64'), join(folder, 'volumes.u32')]
  writeFileSync(prices, columns.prices)
  writeFileSync(volumes, columns.volumes)
  return { folder, prices, volumes, both: ['--map', prices, '--map', volumes] }
}

/** One export for each thing to try. */
const library = await compileC(
  `#include <rawmem.h>
  #include <stdio.h>
  #include <stdlib.h>
  #define EXPORT(name) __attribute__((export_name(#name)))
  static double sum(const double *values, size_t count) {
    double total = 0;
    for (size_t i = 0; i < count; ++i) total += values[i];
    return total;
  }
  EXPORT(run) double run(void) {
    double total = 0;
    size_t length;
    const double *prices;
    while ((prices = rawmem_next(0, RAWMEM_ALL, &length))) {
      if (length % sizeof *prices) abort();
      total += sum(prices, length / sizeof *prices);
    }
    return total;
  }
  EXPORT(surroundings) int surroundings(void) {
    printf("%s\\n", getenv("COLOUR"));
    FILE *file = fopen("/notes/one", "r");
    char line[20] = "";
    if (file) fputs(fgets(line, sizeof line, file), stdout);
    return fflush(stdout);
  }
  struct Pair { double a, b; };
  EXPORT(pair) struct Pair pair(double x) { return (struct Pair){x, x}; }
  EXPORT(window) int window(void) { size_t length; return rawmem_next(5, RAWMEM_ALL, &length) != 0; }
  `,
  ['-mexec-model=reactor'],
)

test('a program with a main function prints, and its exit code is that of the command', async (t) => {
  const { prices, both } = files(t)
  const good = await run(trades, ...both)
  t.is(good.exitCode, 0, good.stderr)
  t.is(good.stdout, text)
  t.regex(good.stderr, /^1\.14 MiB in [\d.]+ s, [\d.]+ MB\/s \(1 worker\)\n$/)

  const titled = await run(trades, ...both, '--arg', 'a title', '--arg', 'ignored')
  t.is(titled.stdout, text.replace('trades', 'a title'))

  const wrong = await run(trades, '--map', prices, '--map', prices, '--json')
  t.is(wrong.exitCode, 2)
  t.is(wrong.stdout, '')
  const [complaint, ...json] = wrong.stderr.split('\n')
  t.is(complaint, 'the columns differ in length')
  t.like(JSON.parse(json.join('\n')), { exitCode: 2, bytes: 1_600_000, workers: 1 })
})

test('the C program of docs/guests.md sums a file larger than all windows together', async (t) => {
  const page = readFileSync(new URL('../../docs/guests.md', import.meta.url), 'utf8')
  const [, source] = /^`sum\.c`.*\n\n```c\n([\s\S]*?)^```/m.exec(page) ?? []
  const folder = temporaryFolder(t)
  const [program, prices] = [join(folder, 'sum.wasm'), join(folder, 'prices.f64')]
  writeFileSync(program, await compileC(source as string))
  // Sparse: zeros but for the first and last value of some chunks.
  const [chunk, all] = [64 * 2 ** 20, 2 ** 31]
  const places = [0, chunk - 8, chunk, 5 * chunk + 8, all - 8, all, all + chunk, all + chunk + 8]
  const file = openSync(prices, 'w')
  ftruncateSync(file, all + chunk + 16)
  for (const [i, place] of places.entries()) writeSync(file, Float64Array.of(2 ** i), 0, 8, place)
  closeSync(file)
  const { exitCode, stdout, stderr } = await run(program, '--map', prices)
  t.is(exitCode, 0, stderr)
  t.is(stdout, '255.00\n')
  t.regex(stderr, /^2\.06 GiB in [\d.]+ s, [\d.]+ GB\/s \(34 windows, 1 worker\)\n$/)
})

test('columns are divided at the same records', async (t) => {
  const { both } = files(t)
  const { exitCode, stdout, stderr } = await run(
    ...[trades, ...both, '--parallel', '2', '--record-bytes', '8,4'],
  )
  t.is(exitCode, 0, stderr)
  t.deepEqual(stdout.match(/^\d+ trades/gm), ['50000 trades', '50000 trades'])
})

test('exports of a library are run, with windows of whole records', async (t) => {
  const { folder, prices } = files(t)
  const program = join(folder, 'library.wasm')
  writeFileSync(program, library)
  const expected = columns.prices.reduce((sum, price) => sum + price, 0)
  for (const more of [
    [],
    ['--window', '4096'],
    ['--parallel', '3', '--record-bytes', '8', '--merge', 'sum'],
  ]) {
    const { exitCode, stdout, stderr } = await run(program, '--map', prices, ...more)
    t.is(exitCode, 0, stderr)
    t.is(Number(stdout), expected, more.join(' '))
  }
})

test('the environment and folders are there as far as they were given', async (t) => {
  const { folder, prices } = files(t)
  const program = join(folder, 'library.wasm')
  writeFileSync(program, library)
  mkdirSync(join(folder, 'data'))
  writeFileSync(join(folder, 'data', 'one'), 'a note\n')
  const words = [program, '--map', prices, '--export', 'surroundings', '--env', 'COLOUR=blue']
  const given = await run(...words, '--dir', `${join(folder, 'data')}::/notes`)
  t.is(given.stdout, 'blue\na note\n0\n', given.stderr)
  t.is((await run(...words)).stdout, 'blue\n0\n')
})

test('what cannot be is told in a line', async (t) => {
  const { folder, prices, volumes, both } = files(t)
  const program = join(folder, 'library.wasm')
  writeFileSync(program, library)
  writeFileSync(join(folder, 'odd.f64'), new Uint8Array(1001))
  const cases: [string[], RegExp][] = [
    [
      [trades, ...both, '--args', '1'],
      /'_start' takes 0 arguments, and args has 1\. .* by --arg\./,
    ],
    [
      [program, '--map', prices, '--export', 'pair', '--args', '1'],
      /takes 2 arguments, and args has 1\. Where it returns a struct, /,
    ],
    [
      [program, '--map', prices, '--export', 'window'],
      /window 5 shows no region; .* Give --map once for each window/,
    ],
    [
      [trades, ...both, '--parallel', '2'],
      /the same number of records; .* --record-bytes 8,4,all\./,
    ],
    [
      [trades, ...both, '--parallel', '2', '--record-bytes', '8'],
      /100000 of 8 bytes, 50000 of 8 bytes/,
    ],
    [[trades, ...both, '--record-bytes', '8,4,4'], /has 3 sizes, and there are 2 files/],
    [
      [trades, ...both, '--window', '100', '--record-bytes', '8,4'],
      /not a multiple of --record-bytes 8/,
    ],
    [[trades, ...both, '--merge', 'sum'], /a program with an exit code/],
    [[trades, ...both, '--address', 'i64'], /address and memoryIndex are for programs that import/],
    [
      [program, '--map', join(folder, 'odd.f64'), '--record-bytes', '8'],
      /has 1001 bytes, no multiple/,
    ],
    [[trades, ...both, '--delimiter', ','], /delimiter divides one region/],
    [[trades, '--map', volumes, '--env', '=x'], /'--env <name=value>' argument '=x' is invalid/],
  ]
  for (let i = 0; i < cases.length; i += 3) {
    await Promise.all(
      cases.slice(i, i + 3).map(async ([words, message]) => {
        const { exitCode, stdout, stderr } = await run(...words)
        t.is(exitCode, 1, `${words.join(' ')}: ${stdout}`)
        t.is(stdout, '')
        t.regex(stderr, message)
      }),
    )
  }
})
