import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { runScript } from '../support/run-script.ts'

const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-handlers-'))
test.after.always(() => rmSync(folder, { recursive: true }))
const addon = join(folder, 'other-handlers.node')

let hasCompiler = true

test.before((t) => {
  const source = fileURLToPath(new URL('other-handlers.c', import.meta.url))
  const args = ['-shared', '-fPIC', '-O1', '-o', addon, source]
  const { error, status, stderr } = spawnSync('cc', args, { encoding: 'utf8' })
  hasCompiler = (error as NodeJS.ErrnoException | undefined)?.code !== 'ENOENT'
  if (hasCompiler) t.is(status, 0, stderr)
})

function testWithAddon(title: string, check: (t: ExecutionContext) => Promise<void>): void {
  test(title, async (t) => {
    if (hasCompiler) return await check(t)
    t.log('left out: there is no C compiler cc (Debian: apt-get install gcc libc6-dev)')
    t.pass()
  })
}

const run = (what: string, env: Record<string, string> = {}) =>
  runScript(new URL('other-handlers-process.ts', import.meta.url), { args: [addon, what], env })

const passOn = { OTHER_HANDLERS_PASS_ON: '1' }

for (const what of ['earlier', 'later'] as const) {
  testWithAddon(`another addon that passes faults on, installed ${what}`, async (t) => {
    const { stdout, stderr } = await run(what, passOn)
    t.is(stdout.trim(), '["RuntimeError",0]', stderr)
  })
}

testWithAddon('one that was there before does not have to pass anything on', async (t) => {
  const { stdout, stderr } = await run('earlier')
  t.is(stdout.trim(), '["RuntimeError",0]', stderr)
})

testWithAddon('one that comes later and passes nothing on decides what happens', async (t) => {
  const { exitCode, stderr } = await run('later')
  t.is(exitCode, 3, stderr)
})

testWithAddon('until the next region is made', async (t) => {
  const { stdout, stderr } = await run('replaced')
  t.is(stdout.trim(), '["RuntimeError",0,"RuntimeError",0]', stderr)
})
