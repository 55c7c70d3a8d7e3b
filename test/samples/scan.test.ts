import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { runScript } from '../support/run-script.ts'
import { temporaryFile, temporaryFolder } from '../support/temporary-file.ts'
import { typescript } from '../support/typescript.ts'

const sample = new URL('../../samples/scan/main.ts', import.meta.url)

/** Files that a sample has left in its folder. */
const leftIn = (folder: string) =>
  readdirSync(folder).filter((name) => name.startsWith('v8-rawmem'))

test.serial('both kernels find sum, smallest and largest, whatever the windows', async (t) => {
  // Neither vectors nor integers end where the file ends; the extremes lie where windows meet, and at the very end.
  const values = Int32Array.from({ length: 20_003 }, (_, i) => Math.imul(i, 0x9e3779b1) >> 1)
  values[999] = -(2 ** 31) + 5
  values[1000] = 2 ** 31 - 7
  values[20_002] = 2 ** 31 - 6
  const sum = values.reduce((total, value) => total + BigInt(value), 0n)
  const path = temporaryFile(t, Buffer.concat([Buffer.from(values.buffer), Buffer.from('abc')]))
  const before = readFileSync(path)
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--file', path, '--window', '4000', '--runs', '1'],
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^File .* 20,003 integers, mapped; windows of 3\.91 KiB$/m)
  t.regex(stdout, /^scalar .* 21 windows$/m)
  t.regex(stdout, /^simd .* 21 windows$/m)
  t.true(
    stdout.includes(
      `Result     sum ${sum.toLocaleString('en-US')}, min -2,147,483,643, max 2,147,483,642\n`,
    ),
    stdout,
  )
  t.regex(stdout, /^Verified/m)
  t.deepEqual(readFileSync(path), before)
})

test.serial('what has passed leaves the memory of the process', async (t) => {
  const folder = temporaryFolder(t)
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '128MiB', '--window', '8MiB', '--kernel', 'simd', '--runs', '2'],
    env: { TMPDIR: folder },
  })
  t.is(exitCode, 0, stderr)
  t.is(stdout.match(/^simd .* GB\/s, 16 windows$/gm)?.length, 2)
  const resident = 2 ** 20 * Number(/^Resident +at most ([\d.]+) MiB of/m.exec(stdout)?.[1])
  t.true(resident >= 2 ** 20, stdout)
  t.true(resident < 32 * 2 ** 20, stdout)
  t.regex(stdout, /^Verified/m)
  t.deepEqual(leftIn(folder), [])
})

test.serial('Ctrl-C is heard at once and leaves no file', async (t) => {
  const folder = temporaryFolder(t)
  const child = spawn(process.execPath, [...typescript, fileURLToPath(sample), '--size', '1GiB'], {
    env: { ...process.env, TMPDIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  await once(child.stderr, 'data')
  child.kill('SIGINT')
  const [, signal] = await once(child, 'exit')
  t.is(signal, 'SIGINT')
  t.deepEqual(leftIn(folder), [])
})

for (const [args, message] of [
  [['--window', '15'], /^error: --window must be at least 16 bytes$/m],
  [['--file', 'no-such-file'], /^error: ENOENT: .* 'no-such-file'$/m],
  [['--file', '/dev/null'], /^error: ENODEV: not a regular file/m],
  [['--size', '1000TiB'], /^error: .* has room for .*; choose a smaller --size/m],
] as const) {
  test.serial(`${args.join(' ')}: an error that says what is wrong`, async (t) => {
    const { exitCode, stdout, stderr } = await runScript(sample, { args })
    t.is(exitCode, 1)
    t.is(stdout, '')
    t.regex(stderr, message)
  })
}

test.serial('a file without an integer is an error', async (t) => {
  const { exitCode, stderr } = await runScript(sample, {
    args: ['--file', temporaryFile(t, 'abc')],
  })
  t.is(exitCode, 1)
  t.regex(stderr, /^error: the file has no 32-bit integer in it$/m)
})
