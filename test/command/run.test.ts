import { execFileSync } from 'node:child_process'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { readProgram } from '../../cli/program-file.ts'
import { compilePackage } from '../support/compiled-package.ts'
import { patternBytes, temporaryFolder } from '../support/temporary-file.ts'
import { describe, increment, sumBytes } from '../workers/programs.ts'
import { sourceCommand, start, startOnTerminal } from './command.ts'

const content = patternBytes(1_000_000).map((byte) => byte % 255)
const total = content.reduce((sum, byte) => sum + byte, 0)

const odds = `(module
  (import "env" "next" (func $next (result i32)))
  (memory 0)
  (func (export "mix") (param i32 i64) (result i64 f64)
    (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1)) (f64.const 0.5))
  (func (export "none"))
  (func $inner (unreachable))
  (func (export "trap") (call $inner))
  (func (export "endless")
    (drop (call $next))
    (loop $forever (br $forever))))`

// Processes start faster from the bundle than from TypeScript.
const { command } = compilePackage()

const run = (...args: string[]) => start([...command, ...args]).ended

/** A folder with programs and data; gives the path of each. */
function files(t: ExecutionContext): (name: string) => string {
  const folder = temporaryFolder(t)
  const at = (name: string) => join(folder, name)
  writeFileSync(at('data.bin'), content)
  writeFileSync(at('sum.wasm'), sumBytes)
  writeFileSync(at('describe.wasm'), describe)
  writeFileSync(at('increment.wasm'), increment)
  writeFileSync(at('odds.wat'), odds)
  writeFileSync(at('text.txt'), 'one\ntwo\nthree\n')
  writeFileSync(at('empty.bin'), '')
  return at
}

test('the result alone is on stdout, the throughput on stderr', async (t) => {
  const at = files(t)
  const { exitCode, stdout, stderr } = await run('run', at('sum.wasm'), '--map', at('data.bin'))
  t.is(exitCode, 0)
  t.is(stdout, `${total}\n`)
  t.regex(stderr, /^976\.56 KiB in \d+\.\d\d s, \d+\.\d\d MB\/s \(1 window, 1 worker\)\n$/)
})

test('the command and its workers run from the sources as well', async (t) => {
  const at = files(t)
  const { stdout, stderr } = await start([
    ...[...sourceCommand, 'run', at('sum.wasm'), '--map', at('data.bin')],
    ...['--parallel', '2', '--merge', 'sum'],
  ]).ended
  t.is(stdout, `${total}\n`)
  t.regex(stderr, /2 workers/)
})

test('windows, parallel workers and merging', async (t) => {
  const at = files(t)
  const { stdout, stderr } = await run(
    ...['run', at('sum.wasm'), '--map', at('data.bin'), '--window', '100kB', '--parallel', '2'],
    ...['--record-bytes', '1000', '--merge', 'sum'],
  )
  t.is(stdout, `${total}\n`)
  t.regex(stderr, /\(10 windows, 2 workers\)/)
})

test('without merging there is a line per part, with all its results', async (t) => {
  const at = files(t)
  const { stdout } = await run(
    ...['run', at('describe.wasm'), '--map', at('text.txt'), '--parallel', '3'],
    ...['--delimiter', '\\n'],
  )
  t.is(stdout, '4 1 111 10\n10 1 116 10\n')
})

test('several results are merged one by one', async (t) => {
  const at = files(t)
  const merged = async (how: string) => {
    const { stdout } = await run(
      ...['run', at('describe.wasm'), '--map', at('text.txt'), '--parallel', '3'],
      ...['--delimiter', '\\n', '--merge', how],
    )
    return stdout
  }
  t.deepEqual(await Promise.all(['sum', 'min', 'max'].map(merged)), [
    '14 2 227 20\n',
    '4 1 111 10\n',
    '10 1 116 10\n',
  ])
})

test('text format, export, import and arguments', async (t) => {
  const at = files(t)
  const words = ['run', at('odds.wat'), '--map', at('data.bin'), '--export', 'mix']
  const [apart, joined] = await Promise.all([
    run(...words, '--args', '5', '7n'),
    run(...words, '--args=-5,-9007199254740993n'),
  ])
  t.is(apart.stdout, '12 0.5\n', apart.stderr)
  t.is(joined.stdout, '-9007199254740998 0.5\n', joined.stderr)
})

test('JSON has the result, exactly, and what there is to know about the run', async (t) => {
  const at = files(t)
  const { stdout, stderr } = await run(
    ...['run', at('sum.wasm'), '--map', at('data.bin'), '--json', '--merge', 'sum'],
  )
  t.is(stderr, '')
  const { seconds, ...rest } = JSON.parse(stdout)
  t.deepEqual(rest, { result: String(total), bytes: 1_000_000, windows: 1, workers: 1 })
  t.true(seconds > 0)
})

test('stores go into the file only with --writable', async (t) => {
  const at = files(t)
  const words = ['run', at('increment.wasm'), '--map', at('data.bin')]
  t.is((await run(...words)).stdout, '')
  t.deepEqual(new Uint8Array(readFileSync(at('data.bin'))), content)
  await run(...words, '--writable')
  t.deepEqual(
    new Uint8Array(readFileSync(at('data.bin'))),
    content.map((byte) => byte + 1),
  )
})

test('a program that traps is told with its frames', async (t) => {
  const at = files(t)
  const { exitCode, stdout, stderr } = await run(
    ...['run', at('odds.wat'), '--map', at('data.bin'), '--export', 'trap'],
  )
  t.is(exitCode, 1)
  t.is(stdout, '')
  t.regex(stderr, /^error: unreachable\n +at inner \(wasm:.*\)\n +at .*wasm:.*\n$/)
})

test('text and its path may be in any language', async (t) => {
  const at = files(t)
  writeFileSync(at('größe.wat'), '(module (func (export "größe")))')
  const module = new WebAssembly.Module(await readProgram(at('größe.wat')))
  t.is(WebAssembly.Module.exports(module)[0]!.name, 'größe')
  // Of each length that a name may have within a word of memory.
  for (const length of [1, 2, 3, 4, 5, 6, 7, 8]) {
    const path = at(`${'ü'.repeat(length)}.wat`)
    writeFileSync(path, '(module (fun))')
    const { message } = await t.throwsAsync(readProgram(path))
    t.true(message.startsWith(`${path}:1:10: unexpected token "fun"`), message)
  }
})

test('what is wrong is told in one line that says what to do', async (t) => {
  const at = files(t)
  execFileSync('mkfifo', [at('pipe')])
  writeFileSync(at('wrong.wat'), '(module\n  (func (export "run")\n    (i32.cnst 5)))')
  const on = (program: string, ...more: string[]) => [
    ...['run', at(program), '--map', at('data.bin')],
    ...more,
  ]
  const cases: [string[], RegExp][] = [
    [on('none.wasm'), /There is no file .*none\.wasm\. Look/],
    [['run', at('sum.wasm'), '--map', at('none.bin')], /There is no file .*none\.bin\. Look/],
    [on('text.txt'), /text\.txt is no WebAssembly module: .* Name a \.wasm file/],
    [on('empty.bin'), /is no WebAssembly module: it has no bytes/],
    [on('.'), /is a folder\. Name/],
    [on('pipe'), /pipe is no regular file\. Name/],
    [on('wrong.wat'), /wrong\.wat:3:6: unexpected token "i32\.cnst".* Mend the text/],
    [['run', at('sum.wasm'), '--map', at('empty.bin')], /empty\.bin is empty\./],
    [['run', at('sum.wasm'), '--map', at('.')], /is no regular file\./],
    [
      on('sum.wasm', '--export', 'main'),
      /its functions are: run \(function\)\. Choose one with --/,
    ],
    [on('sum.wasm', '--import', 'a.b'), /its imports are: env\.next \(function\)\. .*--import\./],
    [on('sum.wasm', '--window', '5GiB'), /5\.00 GiB is more than an i32 can say\. Give/],
    [
      on('odds.wat', '--export', 'mix', '--args', '1', '2'),
      /BigInt\. Arguments for an i64 end in n/,
    ],
    [on('odds.wat', '--export', 'none', '--merge', 'sum', '--parallel', '2'), /returns nothing/],
    [on('sum.wasm', '--record-bytes', '3', '--delimiter', ','), /exclude each other/],
    [on('sum.wasm', '--record-bytes', '3', '--window', '100'), /not a multiple/],
  ]
  // Some at a time: each is a process of its own.
  for (let i = 0; i < cases.length; i += 3) {
    await Promise.all(
      cases.slice(i, i + 3).map(async ([words, message]) => {
        const { exitCode, stdout, stderr } = await run(...words)
        t.is(exitCode, 1, stderr)
        t.is(stdout, '')
        t.regex(stderr, message)
        t.regex(stderr, /^error: [^\n]+\.\n$/)
      }),
    )
  }
})

test('options that cannot be are told with their name', async (t) => {
  const at = files(t)
  const on = ['run', at('sum.wasm'), '--map', at('data.bin')]
  const cases: [string[], RegExp][] = [
    [['run', at('sum.wasm')], /required option '--map <file>'/],
    [[...on, '--window', '5Gxx'], /'--window <size>' argument '5Gxx' is invalid\. A size is/],
    [[...on, '--parallel', '0'], /'--parallel <n>' argument '0' is invalid\. .* from 1 to 1024/],
    [[...on, '--merge', 'mean'], /Allowed choices are list, sum, min, max/],
    [[...on, '--delimiter', 'ab'], /A delimiter is one ASCII character/],
    [[...on, '--args', 'x'], /Arguments are numbers/],
    [[...on, '--backend', 'best'], /Allowed choices are patched/],
    [['walk'], /unknown command 'walk'/],
  ]
  for (let i = 0; i < cases.length; i += 4) {
    await Promise.all(
      cases.slice(i, i + 4).map(async ([words, message]) => {
        const { exitCode, stdout, stderr } = await run(...words)
        t.is(exitCode, 1)
        t.is(stdout, '')
        t.regex(stderr, message)
        t.regex(stderr, /--help/)
      }),
    )
  }
})

test('--help says what there is', async (t) => {
  const [all, ofRun] = await Promise.all([run('--help'), run('run', '--help')])
  t.is(all.exitCode, 0)
  t.regex(all.stdout, /run \[options\] <program>[\s\S]*info \[options\]/)
  t.regex(ofRun.stdout, /--map <file>[\s\S]*--parallel <n>[\s\S]*Examples:/)
})

test('Ctrl-C ends an endless program with exit code 130', async (t) => {
  const at = files(t)
  // Sparse: what counts is that the process maps it, which tells that it has begun.
  truncateSync(at('data.bin'), 2 ** 30)
  const { child, ended } = start([
    ...command,
    ...['run', at('odds.wat'), '--map', at('data.bin'), '--export', 'endless'],
  ])
  const begun = () => readFileSync(`/proc/${child.pid}/maps`, 'utf8').includes(at('data.bin'))
  while (!begun()) await new Promise((resolve) => setTimeout(resolve, 50))
  await new Promise((resolve) => setTimeout(resolve, 1000))
  child.kill('SIGINT')
  const { exitCode, stdout, stderr } = await ended
  t.is(exitCode, 130)
  t.is(stdout, '')
  t.is(stderr, 'stopped\n')
})

test('on a terminal there is a bar, which ends before the result', async (t) => {
  const at = files(t)
  const { ended } = startOnTerminal([...command, 'run', at('sum.wasm'), '--map', at('data.bin')])
  const { exitCode, stdout } = await ended
  t.is(exitCode, 0)
  t.regex(stdout, /█ 100 % {2}976\.56 KiB of 976\.56 KiB/)
  const [result, throughput] = stdout.trimEnd().split('\r\n').slice(-2)
  t.is(result, String(total))
  t.regex(throughput!, /^976\.56 KiB in /)
})

test('Ctrl-C on a terminal leaves the bar with a line of its own', async (t) => {
  const at = files(t)
  const { child, ended, until } = startOnTerminal([
    ...[...command, 'run', at('odds.wat'), '--map', at('data.bin'), '--export', 'endless'],
  ])
  await until(/0 %/)
  await new Promise((resolve) => setTimeout(resolve, 1000))
  // As the terminal does it: to the process in its foreground.
  const [pid] = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').split(' ')
  process.kill(-Number(pid), 'SIGINT')
  const { exitCode, stdout } = await ended
  t.is(exitCode, 130)
  t.regex(stdout, /\r\nstopped\r\n$/)
})

test('--cpu-profile writes a file for each thread, and says when it cannot', async (t) => {
  const at = files(t)
  const scan = ['run', at('sum.wasm'), '--map', at('data.bin')]
  await run(...scan, '--cpu-profile', at('one.cpuprofile'))
  await run(...scan, '--parallel', '2', '--cpu-profile', at('two.cpuprofile'))
  for (const name of ['one.cpuprofile', 'two-0.cpuprofile', 'two-1.cpuprofile']) {
    t.true(Array.isArray(JSON.parse(readFileSync(at(name), 'utf8')).samples))
  }
  const { exitCode, stderr } = await run(...scan, '--cpu-profile', at('no/one.cpuprofile'))
  t.is(exitCode, 1)
  t.regex(
    stderr,
    /--cpu-profile .* cannot be written: ENOENT.* Name a file in a folder that exists/,
  )
})

test('--inspect serves DevTools while the program runs; --inspect-brk waits for it', async (t) => {
  const at = files(t)
  const scan = ['run', at('sum.wasm'), '--map', at('data.bin')]
  const { exitCode, stdout, stderr } = await run(...scan, '--inspect=0')
  t.is(exitCode, 0)
  t.is(stdout, `${total}\n`)
  t.regex(stderr, /^Debugger listening on ws:\/\/127\.0\.0\.1:\d+\/[-0-9a-f]{36} \(worker 2\)$/m)

  const waiting = start([...command, ...scan, '--inspect-brk=localhost:0'])
  await waiting.until(/Debugger listening/)
  waiting.child.kill('SIGINT')
  t.is((await waiting.ended).exitCode, 130)

  for (const [address, message] of [
    ['nonsense', /Write it alone, behind the program, or as --inspect=\[host:\]port/],
    ['192.0.2.1:0', /the inspector cannot listen: .* Give another port/],
  ] as const) {
    const refused = await run(...scan, `--inspect=${address}`)
    t.is(refused.exitCode, 1)
    t.regex(refused.stderr, message)
  }
})
