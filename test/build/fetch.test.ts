import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { which } from 'zx'
import {
  type BuildProject,
  copyProject,
  git,
  makeBuildProject,
  runV8,
  startV8,
  waitForPath,
} from '../support/build-project.ts'

const fetchFrom = (project: BuildProject) => ['fetch', '--archive', project.archives]

test('lays the pinned folders out as a standalone tree, in git, with the same hashes everywhere', async (t) => {
  const project = makeBuildProject()
  const other = copyProject(project)
  t.teardown(project.remove)
  t.teardown(other.remove)
  const [first, second] = await Promise.all([
    runV8(project, fetchFrom(project)),
    runV8(other, fetchFrom(other)),
  ])
  t.is(first.code, 0, first.stderr)
  t.is(second.code, 0, second.stderr)

  t.is(readFileSync(join(project.tree, 'third_party/fp/BUILD.gn'), 'utf8'), "# V8's own\n")
  t.is(readFileSync(join(project.tree, 'third_party/fp/fp.h'), 'utf8'), '// header\n')
  t.false(existsSync(join(project.tree, 'third_party/unwanted')))
  t.is(git(project.tree, 'status', '--porcelain'), '')
  t.is(git(project.tree, 'rev-parse', 'upstream'), git(other.tree, 'rev-parse', 'upstream'))

  const again = await runV8(project, fetchFrom(project))
  t.is(again.code, 0, again.stderr)
  t.regex(again.stdout, /^fetch: V8 15\.0\.0\.1 is there$/m)
  t.notRegex(again.stdout, /unpack|Recording/)
})

test.serial('goes on after kill -9 at any point', async (t) => {
  const project = makeBuildProject({ padding: 3_000_000 })
  t.teardown(project.remove)
  const unpacking = join(project.cache, '15.0.0.1', 'unpacking')
  const points = [
    unpacking,
    join(unpacking, 'v8/src'),
    join(unpacking, 'v8/.git'),
    join(unpacking, 'v8/.git/refs/tags/upstream'),
  ]
  for (const point of points) {
    const run = await startV8(project, fetchFrom(project))
    waitForPath(point)
    run.killAll()
    const { signal } = await run.ended
    t.is(signal, 'SIGKILL', `ended before ${point}`)
    t.false(existsSync(project.tree), `half a tree in place after ${point}`)
  }
  const last = await runV8(project, fetchFrom(project))
  t.is(last.code, 0, last.stderr)
  t.is(git(project.tree, 'status', '--porcelain'), '')
  t.false(existsSync(unpacking))
})

test.serial('ends with 130 on Ctrl-C and says how to go on', async (t) => {
  const project = makeBuildProject({ padding: 3_000_000 })
  t.teardown(project.remove)
  const run = await startV8(project, fetchFrom(project))
  waitForPath(join(project.cache, '15.0.0.1'))
  process.kill(-run.child.pid!, 'SIGINT')
  const { code, stderr } = await run.ended
  t.is(code, 130)
  t.regex(stderr, /Interrupted\.\n {2}Run the same command again/)
  t.false(existsSync(project.tree))
})

test('refuses an archive with other bytes and names both checksums', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const archive = join(project.archives, 'chromium_1.0.orig.tar.xz')
  const bytes = readFileSync(archive)
  bytes[20]! ^= 1
  writeFileSync(archive, bytes)
  const { code, stderr } = await runV8(project, fetchFrom(project))
  t.is(code, 1)
  t.regex(stderr, /chromium_1\.0\.orig\.tar\.xz is not the archive v8\.lock\.json pins/)
  t.regex(
    stderr,
    /expected \d+ bytes, sha256 [0-9a-f]{64}\n {2}got {6}\d+ bytes, sha256 [0-9a-f]{64}/,
  )
  t.false(existsSync(project.tree))
})

test("fetches GN's source when only V8 is there", async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  t.is((await runV8(project, fetchFrom(project))).code, 0)
  rmSync(join(project.cache, 'toolchain'), { recursive: true })
  writeFileSync(join(project.archives, 'gn_1.0.orig.tar.gz'), 'another GN')
  const { code, stderr } = await runV8(project, fetchFrom(project))
  t.is(code, 1)
  t.regex(stderr, /gn_1\.0\.orig\.tar\.gz is not the archive v8\.lock\.json pins/)
})

test('refuses sources that give another tree', async (t) => {
  const project = makeBuildProject({ lock: { tree: '0'.repeat(40) } })
  t.teardown(project.remove)
  const { code, stderr } = await runV8(project, fetchFrom(project))
  t.is(code, 1)
  t.regex(stderr, /expected git tree 0{40}\n {2}got {6}git tree [0-9a-f]{40}/)
  t.false(existsSync(project.tree))
})

test('refuses a place that is no archive of the pin', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const wrong = await runV8(project, ['fetch', '--archive', 'http://localhost/other.tar.xz'])
  t.is(wrong.code, 1)
  t.regex(wrong.stderr, /other\.tar\.xz is none of the archives.*\n.*chromium_1\.0\.orig\.tar\.xz/)
  const missing = await runV8(project, ['fetch', '--archive', join(project.root, 'no-such-file')])
  t.is(missing.code, 1)
  t.regex(missing.stderr, /Cannot read .*no-such-file/)
})

test('says before it unpacks that the disk is too small', async (t) => {
  const project = makeBuildProject({ lock: { unpackedSize: 1e15 } })
  t.teardown(project.remove)
  const { code, stderr } = await runV8(project, fetchFrom(project))
  t.is(code, 1)
  t.regex(stderr, /Not enough disk space in .*unpacking V8 needs 1250 TB, .* are free/)
  t.regex(stderr, /--cache or XDG_CACHE_HOME/)
})

test('names a missing tool and the command that installs it', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const bin = join(project.root, 'bin')
  mkdirSync(bin)
  for (const tool of ['bash', 'tar', 'sh']) symlinkSync(await which(tool), join(bin, tool))
  // A file without the right to be run is no tool.
  writeFileSync(join(bin, 'xz'), '')
  chmodSync(join(bin, 'xz'), 0o644)
  const { code, stderr } = await runV8(project, fetchFrom(project), { PATH: bin })
  t.is(code, 1)
  t.regex(stderr, /fetch needs xz, git, which are not on the PATH/)
  t.regex(stderr, /sudo apt-get install --no-install-recommends git xz-utils/)
})

test.serial('lets one build work in a cache at a time', async (t) => {
  const project = makeBuildProject({ padding: 3_000_000 })
  t.teardown(project.remove)
  const first = await startV8(project, fetchFrom(project))
  waitForPath(join(project.cache, '15.0.0.1'))
  const second = await startV8(project, fetchFrom(project))
  const [refused, waited] = await Promise.all([
    runV8(project, [...fetchFrom(project), '--no-wait']),
    second.ended,
  ])
  // The first may have ended while the others started; then the second has the lock, or nobody.
  if (refused.code !== 0) {
    const holder = `(${first.child.pid}|${second.child.pid})`
    t.regex(refused.stderr, new RegExp(`process ${holder} \\("v8 fetch", since `))
  }
  t.is(waited.code, 0, waited.stderr)
  t.regex(waited.stdout, /V8 15\.0\.0\.1 is there/)
  t.is((await first.ended).code, 0)
})
