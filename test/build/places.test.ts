import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { git, runV8 } from '../support/build-project.ts'
import { makeMirror, serveFolder } from '../support/debian-mirror.ts'
import { makeRollProject, oldRelease, packRelease } from '../support/roll-project.ts'

const file = `chromium_${oldRelease.chromium}.orig.tar.xz`
const pool = 'pool/main/c/chromium'

/** A project whose archive is in no suite that its pin names, and a server for what the test puts into `folder`. */
async function makePlaces(t: ExecutionContext, answers: Record<string, unknown> = {}) {
  const project = makeRollProject()
  t.teardown(project.remove)
  // Git can stand in for no archive here.
  rmSync(join(project.project, 'upstream'), { recursive: true })
  const folder = join(project.root, 'server')
  mkdirSync(join(folder, pool), { recursive: true })
  const archive = join(folder, pool, file)
  renameSync(join(project.archives, file), archive)
  const server = await serveFolder(folder, answers)
  t.teardown(server.close)
  project.useMirror(`deb [trusted=yes] ${server.url} bookworm main\n`)
  // GN's source is named; it is V8's that is looked for.
  const fetch = (...args: string[]) =>
    runV8(project, ['fetch', '--archive', project.archives, ...args], project.environment)
  return { project, folder, archive, server, fetch }
}

test('takes the archive from another suite than the pinned one', async (t) => {
  const { project, folder, server, fetch } = await makePlaces(t)
  const packed = packRelease(join(folder, pool), oldRelease)
  makeMirror(folder, {
    stable: [],
    oldstable: [{ version: `${oldRelease.chromium}-1~deb12u1`, ...packed }],
  })
  const { code, stdout, stderr } = await fetch()
  t.is(code, 0, stderr)
  t.regex(stdout, /asking apt \(stable\).*\n.*asking apt \(all suites\)/)
  t.regex(stderr, /apt finds no .* in suite stable/)
  t.true(server.requests.includes(`GET /${pool}/${file}`))
  t.is(git(project.tree, 'status', '--porcelain'), '')
})

test('takes the archive from the snapshot service when mirrors have dropped it', async (t) => {
  const answers: Record<string, unknown> = {}
  const { folder, archive, server, fetch } = await makePlaces(t, answers)
  makeMirror(folder, { stable: [] })
  const { size } = packRelease(join(folder, pool), oldRelease)
  answers[`/mr/package/chromium/${oldRelease.chromium}-1/srcfiles`] = {
    fileinfo: { abc: [{ name: file, size, archive_name: 'debian' }] },
  }
  mkdirSync(join(folder, 'file'))
  renameSync(archive, join(folder, 'file/abc'))
  const { code, stderr } = await fetch('--snapshot', server.url)
  t.is(code, 0, stderr)
  t.true(server.requests.includes('GET /file/abc'))
})

test('says what each place answered when none has the archive', async (t) => {
  const { folder, archive, server, fetch } = await makePlaces(t)
  makeMirror(folder, { stable: [] })
  rmSync(archive)
  const damaged = join(folder, file)
  writeFileSync(damaged, 'not the archive')
  const { code, stderr } = await fetch('--archive', damaged, '--snapshot', server.url)
  t.is(code, 1)
  const said = stderr.slice(stderr.indexOf('could not be had'))
  t.regex(said, /- .*server\/chromium_\S+: .* is not the archive v8\.lock\.json pins/)
  t.regex(said, /- apt \(stable\): apt finds no .* in suite stable/)
  t.regex(said, /- apt \(all suites\): apt finds no .* in any suite/)
  t.regex(said, /- http:\/\/127\.0\.0\.1:\d+: .*srcfiles\S* answers 404/)
  t.regex(said, /--archive <path or URL>.*--snapshot <URL>/)
})
