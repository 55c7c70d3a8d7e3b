// One run in parts, as tasks of a scheduler make them, and their merging.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { compileC } from '../support/compile-c.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { sumBytes } from '../workers/programs.ts'
import { type Ended, start } from './command.ts'

const { command } = compilePackage()
const run = (...args: string[]) => start([...command, ...args]).ended

/** No multiple of a page, so that the ends of windows and parts matter. */
const records = 10_007
const prices = Float64Array.from({ length: records }, (_, i) => (i % 1000) / 4)
const volumes = Uint32Array.from({ length: records }, (_, i) => i % 7)
const revenue = prices.reduce((sum, price, i) => sum + price * volumes[i]!, 0)
const bytes = new Uint8Array(prices.buffer).reduce((sum, byte) => sum + byte, 0)

const lockstep = await compileC(
  `#include <rawmem.h>
  __attribute__((export_name("run"))) double run(void) {
    double total = 0;
    uint64_t count = rawmem_size(0) / 8;
    if (rawmem_size(1) != count * 4) __builtin_trap();
    for (uint64_t first = 0; first < count; first += 1000) {
      size_t length, ignored;
      const double *prices = rawmem_map(0, first * 8, 8000, &length);
      const uint32_t *volumes = rawmem_map(1, first * 4, 4000, &ignored);
      for (size_t i = 0; i < length / 8; ++i) total += prices[i] * volumes[i];
    }
    return total;
  }
  __attribute__((export_name("infinity"))) double infinity(void) { return -__builtin_inf(); }`,
  ['-mexec-model=reactor'],
)

function files(t: ExecutionContext): (name: string) => string {
  const folder = temporaryFolder(t)
  const at = (name: string) => join(folder, name)
  writeFileSync(at('sum.wasm'), sumBytes)
  writeFileSync(at('lockstep.wasm'), lockstep)
  writeFileSync(at('prices.f64'), prices)
  writeFileSync(at('volumes.u32'), volumes)
  writeFileSync(at('text.txt'), 'one\ntwo\nthree\n')
  return at
}

/** Runs all parts and writes what they print; gives the paths. */
async function runParts(
  t: ExecutionContext,
  at: (name: string) => string,
  count: number,
  ...words: string[]
): Promise<string[]> {
  const paths: string[] = []
  for (let i = 1; i <= count; i++) {
    const { exitCode, stdout, stderr } = await run('run', ...words, '--part', `${i}/${count}`)
    t.is(exitCode, 0, stderr)
    t.is(stdout.split('\n').length, 2)
    paths.push(at(`part-${i}.json`))
    writeFileSync(paths.at(-1)!, stdout)
  }
  return paths
}

const sum = (at: (name: string) => string) => [
  ...[at('sum.wasm'), '--map', at('prices.f64'), '--record-bytes', '8'],
]

test('parts merge to the result of the whole', async (t) => {
  const at = files(t)
  const paths = await runParts(t, at, 3, ...sum(at), '--parallel', '2')
  t.is((await run('merge', ...paths.reverse(), '--merge', 'sum')).stdout, `${bytes}\n`)
  const { stdout } = await run('merge', ...paths, '--merge', 'sum', '--json')
  t.deepEqual(JSON.parse(stdout), { result: String(bytes), bytes: prices.byteLength, parts: 3 })

  // All in one file, as `cat` makes it.
  writeFileSync(at('all.json'), paths.map((path) => readFileSync(path, 'utf8')).join(''))
  t.is((await run('merge', at('all.json'), '--merge', 'sum')).stdout, `${bytes}\n`)
})

test('columns are cut at the same record, and the program sees regions that begin and end there', async (t) => {
  const at = files(t)
  const words = [at('lockstep.wasm'), '--map', at('prices.f64'), '--map', at('volumes.u32')]
  const paths = await runParts(t, at, 3, ...words, '--record-bytes', '8,4')
  const { stdout, stderr } = await run('merge', ...paths, '--merge', 'sum')
  t.is(Number(stdout), revenue, stderr)
  const [first, , last] = paths.map((path) => JSON.parse(readFileSync(path, 'utf8')).data)
  t.deepEqual([first[0].end / 8, first[1].end / 4], [3335, 3335])
  t.deepEqual([last[0].end, last[1].end], [prices.byteLength, volumes.byteLength])
})

test('more parts than records: those without any run nothing', async (t) => {
  const at = files(t)
  const words = [at('sum.wasm'), '--map', at('text.txt'), '--delimiter', '\\n']
  const paths = await runParts(t, at, 5, ...words)
  const text = readFileSync(at('text.txt')).reduce((sum, byte) => sum + byte, 0)
  t.is((await run('merge', ...paths, '--merge', 'sum')).stdout, `${text}\n`)
  t.true(paths.some((path) => JSON.parse(readFileSync(path, 'utf8')).results.length === 0))
})

test('numbers that JSON does not have are kept', async (t) => {
  const at = files(t)
  const words = [at('lockstep.wasm'), '--map', at('prices.f64'), '--export', 'infinity']
  const paths = await runParts(t, at, 1, ...words)
  t.is((await run('merge', ...paths, '--merge', 'min')).stdout, '-Infinity\n')
})

function refused(t: ExecutionContext, { exitCode, stdout, stderr }: Ended, message: RegExp): void {
  t.regex(stderr, message)
  t.regex(stderr, /^error: .*\n$/)
  t.is(exitCode, 1)
  t.is(stdout, '')
}

test('gaps, duplicates and parts of other runs are refused', async (t) => {
  const at = files(t)
  const [one, two, three] = await runParts(t, at, 3, ...sum(at))
  const merge = (...paths: string[]) => run('merge', ...paths, '--merge', 'sum')
  /** The second part with something else in it. */
  const changed = (change: (part: Record<string, unknown>) => void) => {
    const part = JSON.parse(readFileSync(two!, 'utf8'))
    change(part)
    writeFileSync(at('changed.json'), JSON.stringify(part))
    return merge(one!, at('changed.json'), three!)
  }
  refused(t, await merge(one!, three!), /Parts are missing: 2\/3\. Run with --part 2\/3/)
  refused(t, await merge(one!, two!, two!, three!), /part 2\/3 \(.*\) is there twice/)
  refused(
    t,
    await changed((part) => {
      part.data = [{ ...(part.data as object[])[0], begin: 0 }]
    }),
    /covers bytes 0 to \d+ of prices\.f64: an overlap after byte \d+/,
  )
  refused(
    t,
    await changed((part) => {
      part.program = '0'.repeat(64)
    }),
    /part 2\/3 .* has another program than part 1\/3/,
  )
  refused(
    t,
    await changed((part) => {
      part.of = 4
    }),
    /has another number of parts/,
  )

  for (const words of [
    ['--env', 'A=2'],
    ['--dir', at('.')],
  ]) {
    const { stdout } = await run('run', ...sum(at), ...words, '--part', '2/3')
    writeFileSync(at('other.json'), stdout)
    refused(t, await merge(one!, at('other.json'), three!), /has another call \(/)
  }

  // Other data of the same size, by one byte at the end.
  const other = new Uint8Array(prices.buffer.slice(0))
  other[other.length - 1]! ^= 1
  writeFileSync(at('prices.f64'), other)
  const { stdout } = await run('run', ...sum(at), '--part', '2/3')
  writeFileSync(at('other.json'), stdout)
  refused(t, await merge(one!, at('other.json'), three!), /another data, by its fingerprint/)

  writeFileSync(at('other.json'), '')
  refused(t, await merge(one!, at('other.json'), three!), /other\.json is empty.* Run the task/)
  writeFileSync(at('other.json'), stdout.slice(0, 100))
  refused(t, await merge(one!, at('other.json'), three!), /is no whole line of JSON.* Run the task/)
})

test('what cannot be a part is refused', async (t) => {
  const at = files(t)
  const part = (text: string, ...words: string[]) => run('run', ...words, '--part', text)
  for (const text of ['0/3', '4/3', '3', '1/0']) {
    t.regex((await part(text, ...sum(at))).stderr, /Give i\/n, the i-th of n parts/)
  }
  const whole = ['--map', at('prices.f64'), '--map', at('volumes.u32'), '--record-bytes', 'all,all']
  refused(t, await part('1/2', at('lockstep.wasm'), ...whole), /divides no file/)
})
