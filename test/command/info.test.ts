import { existsSync, readFileSync } from 'node:fs'
import test from 'ava'
import { version } from 'v8-rawmem'
import { sourceCommand, start } from './command.ts'

const manifest = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const run = (...args: string[]) => start([...sourceCommand, ...args]).ended

test('info says what is installed and what works', async (t) => {
  const { exitCode, stdout, stderr } = await run('info')
  t.is(exitCode, 0, stderr)
  t.is(stderr, '')
  const lines = new Map(
    stdout
      .trimEnd()
      .split('\n')
      .map((line) => [line.slice(0, 12).trimEnd(), line.slice(13)] as const),
  )
  t.is(lines.get('v8-rawmem'), manifest.version)
  t.is(lines.get('V8 inside'), version.v8)
  t.regex(lines.get('V8 line')!, /^\d+\.\d+, released \d{4}-\d\d-\d\d, \d+ days ago$/)
  t.is(lines.get('Node'), `${process.versions.node} (V8 ${process.versions.v8})`)
  t.regex(lines.get('platform')!, /^linux-x64, glibc 2\.\d+$/)
  t.regex(lines.get('binding')!, /\.node \(\d+\.\d\d MiB\)$/)
  t.regex(lines.get('patched')!, /^available: V8 /)
  t.regex(lines.get('window')!, /4294967295/)
})

test('info --json is the same for programs', async (t) => {
  const { exitCode, stdout } = await run('info', '--json')
  t.is(exitCode, 0)
  const info = JSON.parse(stdout)
  t.is(info.package, manifest.version)
  t.is(info.v8, version.v8)
  t.is(info.v8Release.line, version.v8.split('.').slice(0, 2).join('.'))
  const age = (Date.now() - Date.parse(info.v8Release.date)) / 86_400_000
  t.is(info.v8Release.ageDays, Math.floor(age))
  t.is(info.problem, null)
  t.true(existsSync(info.addon.path))
  t.is(info.limits.window32Bytes, 2 ** 32 - 1)
  const patched = info.backends.find((backend: { name: string }) => backend.name === 'patched')
  t.true(patched.available)
})

test('info works where the library does not, and says why', async (t) => {
  const { exitCode, stdout, stderr } = await start([...sourceCommand, 'info'], {
    V8_RAWMEM_BINDING: '/no/such/file.node',
  }).ended
  t.is(exitCode, 1)
  t.regex(stdout, /^binding +none$/m)
  t.regex(stdout, /^V8 line +unknown$/m)
  t.regex(stdout, /^Node +\d+/m)
  t.regex(stderr, /^error: .*\/no\/such\/file\.node/)
})

test('--version is that of the package', async (t) => {
  const { stdout } = await run('--version')
  t.is(stdout, `${manifest.version}\n`)
})
