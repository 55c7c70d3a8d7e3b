import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { takeLock } from '../../build-scripts/shared/lock.ts'
import { type BuildProject, makeBuildProject, startV8 } from '../support/build-project.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { typescript } from '../support/typescript.ts'

function lockPath(t: ExecutionContext): string {
  const folder = temporaryFolder(t)
  return join(folder, 'build.lock')
}

/** Another process that holds the lock, with a child that inherits it when asked to. */
async function holder(t: ExecutionContext, path: string, withChild = false) {
  const lockModule = new URL('../../build-scripts/shared/lock.ts', import.meta.url).href
  const script = `
    const { takeLock } = await import(${JSON.stringify(lockModule)})
    const lock = await takeLock(${JSON.stringify(path)}, 'v8 compile', { wait: false })
    let child
    if (${withChild}) {
      const { spawn } = await import('node:child_process')
      child = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'ignore', lock.fd] })
    }
    process.stdout.write('held ' + (child?.pid ?? 0) + '\\n')
    setInterval(() => {}, 1000)`
  const process_ = spawn(
    process.execPath,
    [...typescript, '--input-type=module', '--eval', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  t.teardown(() => process_.kill('SIGKILL'))
  const [line] = await once(process_.stdout, 'data')
  return { process: process_, child: Number(String(line).split(' ')[1]) }
}

test('names the holder, and is free once the holder was killed', async (t) => {
  const path = lockPath(t)
  const { process: other } = await holder(t, path)
  const error = await t.throwsAsync(takeLock(path, 'v8 fetch', { wait: false }))
  t.true(error.message.includes(`process ${other.pid} ("v8 compile", since `))

  const waiting = takeLock(path, 'v8 fetch', { wait: true })
  other.kill('SIGKILL')
  const lock = await waiting
  lock.release()
})

test('stays taken while a child of the killed holder runs', async (t) => {
  const path = lockPath(t)
  const { process: other, child } = await holder(t, path, true)
  const gone = once(other, 'exit')
  other.kill('SIGKILL')
  await gone
  const error = await t.throwsAsync(takeLock(path, 'v8 fetch', { wait: false }))
  t.regex(error.message, /what process \d+ \("v8 compile", .*\) left running when it ended/)

  const waiting = takeLock(path, 'v8 fetch', { wait: true })
  process.kill(child, 'SIGKILL')
  const lock = await waiting
  lock.release()
})

test('stops waiting when interrupted', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const lock = await takeLock(join(project.cache, 'build.lock'), 'the holder', { wait: false })
  const { child, ended } = await startV8(project, ['patch'])
  await once(child.stdout!, 'data')
  child.kill('SIGINT')
  const { code, stdout, stderr } = await ended
  lock.release()
  t.is(code, 130)
  t.regex(stdout, /^Waiting for another build to end: process \d+ \("the holder", since /)
  t.regex(stderr, /Interrupted\./)
})

for (const { what, lockOf, options } of [
  {
    what: 'the SDK that is packaged',
    lockOf: (p: BuildProject) => join(p.cache, 'build.lock'),
    options: [],
  },
  {
    what: 'what another is building in the checkout, from whatever cache',
    lockOf: (p: BuildProject) => join(p.project, 'bindings/build.lock'),
    options: ['--node-backends'],
  },
]) {
  test(`a build of the binding keeps off ${what}`, async (t) => {
    const project = makeBuildProject()
    t.teardown(project.remove)
    const lock = await takeLock(lockOf(project), 'the holder', { wait: false })
    const places = ['--project', project.project, '--cache', project.cache]
    const script = fileURLToPath(new URL('../../build-scripts/cli.ts', import.meta.url))
    const args = [...typescript, script, 'binding', ...places, '--no-wait', ...options]
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    lock.release()
    t.is(status, 1)
    t.regex(stderr, /Another build uses .*: process \d+ \("the holder", since /)
  })
}
