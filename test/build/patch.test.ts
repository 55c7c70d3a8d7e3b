import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import {
  type BuildProject,
  git,
  makeBuildProject,
  patchOfLine,
  runV8,
  startV8,
  waitForPath,
} from '../support/build-project.ts'

async function patched(t: ExecutionContext): Promise<BuildProject> {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const fetched = await runV8(project, ['fetch', '--archive', project.archives])
  t.is(fetched.code, 0, fetched.stderr)
  const applied = await runV8(project, ['patch'])
  t.is(applied.code, 0, applied.stderr)
  return project
}

// Git's own names end after 52 characters of the subject.
const longSubject = '[wasm] Say TEN, although this subject is longer than many others are'
const longName = '0002-wasm-Say-TEN-although-this-subject-is-longer-than-many-others-are.patch'
const engine = (project: BuildProject) => readFileSync(join(project.tree, 'src/engine.cc'), 'utf8')
const modified = (project: BuildProject, path: string) => statSync(join(project.tree, path)).mtimeMs

test('makes a commit of each patch, build patches first, and touches only what differs', async (t) => {
  const project = await patched(t)
  t.is(git(project.tree, 'log', '--format=%s', 'upstream..'), '[wasm] Say EIGHT\nbuild: say TWO')
  t.is(git(project.tree, 'log', '-1', '--format=%an %aI'), 'A Maintainer 2026-03-01T12:00:00+00:00')
  t.true(engine(project).includes('TWO AND THREE') && engine(project).includes('EIGHT'))
  t.is(git(project.tree, 'status', '--porcelain'), '')

  const before = modified(project, 'src/other.cc')
  const again = await runV8(project, ['patch'])
  t.is(again.stdout, 'patch: 2 patches are applied\n')

  await sleep(20)
  const changed = patchOfLine('[wasm] Say NINE', 'eight', 'EIGHT OR NINE')
  writeFileSync(join(project.project, 'patches/0001-wasm-say-EIGHT.patch'), changed)
  const engineBefore = modified(project, 'src/engine.cc')
  const moved = await runV8(project, ['patch'])
  t.is(moved.code, 0, moved.stderr)
  t.true(engine(project).includes('EIGHT OR NINE'))
  t.is(modified(project, 'src/other.cc'), before)
  t.true(modified(project, 'src/engine.cc') > engineBefore)
})

test('goes back when the series has lost its last patch', async (t) => {
  const project = await patched(t)
  rmSync(join(project.project, 'patches/0001-wasm-say-EIGHT.patch'))
  const { code, stderr } = await runV8(project, ['patch'])
  t.is(code, 0, stderr)
  t.is(git(project.tree, 'log', '--format=%s', 'upstream..'), 'build: say TWO')
  t.false(engine(project).includes('EIGHT'))
})

test('never works on a repository above a work tree whose own is damaged', async (t) => {
  const project = await patched(t)
  git(project.root, 'init', '--quiet')
  writeFileSync(join(project.tree, '.git/HEAD'), 'damaged\n')
  const { code, stderr } = await runV8(project, ['patch', '--force'])
  t.is(code, 1)
  t.regex(stderr, /not a git repository/)
  t.notRegex(stderr, /not an error the scripts foresee/)
  t.is(git(project.root, 'for-each-ref'), '')
})

test('names the patch, the file and the line when a patch does not apply, and changes nothing', async (t) => {
  const project = await patched(t)
  const before = engine(project)
  const bad = patchOfLine('[wasm] Say EIGHT', 'eight', 'EIGHT').replace(' seven', ' SEVEN')
  writeFileSync(join(project.project, 'patches/0001-wasm-say-EIGHT.patch'), bad)
  for (const args of [['patch', '--check'], ['patch']]) {
    const { code, stderr } = await runV8(project, args)
    t.is(code, 1)
    t.regex(
      stderr,
      /patches\/0001-wasm-say-EIGHT\.patch does not apply:\n {2}src\/engine\.cc: .* line 6/,
    )
    t.regex(stderr, /git -C .* am -3 /)
  }
  t.is(engine(project), before)
  t.is(git(project.tree, 'status', '--porcelain'), '')
})

test("keeps a maintainer's edits and commits, and exports them", async (t) => {
  const project = await patched(t)
  const mine = engine(project).replace('ten', 'TEN')
  writeFileSync(join(project.tree, 'src/engine.cc'), mine)

  const unchangedSeries = await runV8(project, ['patch'])
  t.is(unchangedSeries.code, 0, unchangedSeries.stderr)
  t.regex(unchangedSeries.stdout, /1 edited files beyond them/)

  const file = join(project.project, 'patches/0001-wasm-say-EIGHT.patch')
  const series = readFileSync(file, 'utf8')
  writeFileSync(file, patchOfLine('[wasm] Say EIGHT', 'eight', '8'))
  const refused = await runV8(project, ['patch'])
  t.is(refused.code, 1)
  t.regex(refused.stderr, /edits that are in no commit \(src\/engine\.cc\)/)
  t.regex(refused.stderr, /patch --export/)
  t.is(engine(project), mine)
  writeFileSync(file, series)

  git(
    project.tree,
    'commit',
    '--quiet',
    '--all',
    `--message=${longSubject}\n\nWhy: it is the last.`,
  )
  const exported = await runV8(project, ['patch', '--export'])
  t.is(exported.code, 0, exported.stderr)
  t.deepEqual(readdirSync(join(project.project, 'patches')).sort(), [
    '0001-wasm-Say-EIGHT.patch',
    longName,
    'build',
  ])
  t.deepEqual(readdirSync(join(project.project, 'patches/build')), ['0001-build-say-TWO.patch'])

  const names = ['0001-wasm-Say-EIGHT.patch', longName]
  const read = () =>
    names.map((name) => readFileSync(join(project.project, 'patches', name), 'utf8'))
  const first = read()
  const adopted = await runV8(project, ['patch'])
  t.is(adopted.code, 0, adopted.stderr)
  t.is(engine(project), mine)
  t.is((await runV8(project, ['patch', '--export'])).code, 0)
  t.deepEqual(read(), first)
})

test('goes over to the series with --force, and keeps what was there under a ref', async (t) => {
  const project = await patched(t)
  const mine = engine(project).replace('ten', 'TEN')
  writeFileSync(join(project.tree, 'src/engine.cc'), mine)
  const forced = await runV8(project, ['patch', '--force'])
  t.is(forced.code, 0, forced.stderr)
  t.true(engine(project).endsWith('ten\n'))
  const ref = /(refs\/v8-rawmem\/backup\/\S+)/.exec(forced.stdout)?.[1]
  t.is(`${git(project.tree, 'show', `${ref}:src/engine.cc`)}\n`, mine)
})

test('refuses to export a series whose folders cannot apply one after the other', async (t) => {
  const project = await patched(t)
  writeFileSync(join(project.tree, 'build/config/BUILD.gn'), '# changed\n')
  git(project.tree, 'commit', '--quiet', '--all', '--message=build: change what follows')
  writeFileSync(join(project.tree, 'src/engine.cc'), engine(project).replace('EIGHT', 'eight'))
  git(project.tree, 'commit', '--quiet', '--all', '--message=build: say TWO')
  const { code, stderr } = await runV8(project, ['patch', '--export'])
  t.is(code, 1)
  t.regex(stderr, /In the order of the series, .*does not apply/)
  t.regex(stderr, /rebase -i upstream/)
  t.deepEqual(readdirSync(join(project.project, 'patches')).sort(), [
    '0001-wasm-say-EIGHT.patch',
    'build',
  ])
})

test.serial('goes on after kill -9 while files are exchanged', async (t) => {
  const project = await patched(t)
  const changed = patchOfLine('[wasm] Say NINE', 'eight', 'NINE')
  writeFileSync(join(project.project, 'patches/0001-wasm-say-EIGHT.patch'), changed)
  const mark = join(project.tree, '.git/v8-rawmem-move.json')
  const run = await startV8(project, ['patch'])
  waitForPath(mark)
  run.killAll()
  t.is((await run.ended).signal, 'SIGKILL')
  // What git leaves when it is killed at the worst moment.
  writeFileSync(join(project.tree, '.git/index.lock'), '')
  writeFileSync(join(project.tree, 'src/engine.cc'), 'half a fi')

  const next = await runV8(project, ['patch'])
  t.is(next.code, 0, next.stderr)
  t.true(engine(project).includes('NINE'))
  t.is(git(project.tree, 'status', '--porcelain'), '')
  t.false(existsSync(mark))
})

test('says to fetch first', async (t) => {
  const project = makeBuildProject()
  t.teardown(project.remove)
  const { code, stderr } = await runV8(project, ['patch'])
  t.is(code, 1)
  t.regex(stderr, /There is no V8 work tree in .*\n {2}Run: npm run v8 -- fetch/)
})
