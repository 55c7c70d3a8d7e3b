import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findDamage, recordMade, removeDamage } from '../../build-scripts/compile/made-files.ts'
import { hashSources, settleSourceTimes } from '../../build-scripts/compile/source-times.ts'
import { git } from '../support/build-project.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

/** A repository with a source, and a folder in which ninja makes an object and a library of it. */
function project(t: ExecutionContext) {
  const root = temporaryFolder(t)
  const folder = join(root, 'out')
  mkdirSync(folder)
  writeFileSync(
    join(folder, 'build.ninja'),
    [
      'rule copy',
      '  command = cp $in $out',
      'build object: copy ../source',
      'build library: copy object',
      '',
    ].join('\n'),
  )
  const source = join(root, 'source')
  writeFileSync(source, 'one\n')
  git(root, 'init', '--quiet')
  git(root, 'add', 'source')
  git(root, 'commit', '--quiet', '--message=one')
  git(root, 'tag', 'upstream')
  const ninja = () => execFileSync('ninja', ['-C', folder], { stdio: 'ignore' })
  const library = () => readFileSync(join(folder, 'library'), 'utf8')
  return { root, folder, source, ninja, library }
}

/** Other bytes under the same time, as a failing disk leaves them. */
function damage(path: string): void {
  const { atime, mtime } = statSync(path)
  writeFileSync(path, 'two\n')
  utimesSync(path, atime, mtime)
}

test('a damaged object is found, and made again, where ninja sees nothing to do', async (t) => {
  const { folder, ninja } = project(t)
  ninja()
  await recordMade(folder, { whole: true })
  damage(join(folder, 'object'))
  ninja()
  t.is(readFileSync(join(folder, 'object'), 'utf8'), 'two\n')

  const found = await findDamage(folder, { thorough: false })
  t.deepEqual(found, { outputs: ['object'], journals: false })
  await removeDamage(folder, found)
  ninja()
  t.is(readFileSync(join(folder, 'object'), 'utf8'), 'one\n')
})

test('a damaged library is made again', async (t) => {
  const { folder, ninja, library } = project(t)
  ninja()
  await recordMade(folder, { whole: true })
  damage(join(folder, 'library'))
  await removeDamage(folder, await findDamage(folder, { thorough: false }))
  ninja()
  t.is(library(), 'one\n')
})

test('what ninja has made since is not taken for damage', async (t) => {
  const { folder, source, ninja } = project(t)
  ninja()
  await recordMade(folder, { whole: true })
  writeFileSync(source, 'three\n')
  ninja()
  const found = await findDamage(folder, { thorough: true })
  t.deepEqual(found, { outputs: [], journals: false })
})

test('a file that is half made when a repair is killed does not pass for whole', async (t) => {
  const { folder, ninja, library } = project(t)
  ninja()
  await recordMade(folder, { whole: true })
  damage(join(folder, 'library'))
  await removeDamage(folder, await findDamage(folder, { thorough: false }))
  // Ninja is killed in the midst of it, or its command finds no room on the disk.
  writeFileSync(join(folder, 'library'), 'on')
  await recordMade(folder, { whole: false })
  const found = await findDamage(folder, { thorough: false })
  t.deepEqual(found.outputs, ['library'])
  await removeDamage(folder, found)
  ninja()
  t.is(library(), 'one\n')
})

test("damaged notes of ninja's make it do everything again", async (t) => {
  const { folder, ninja } = project(t)
  ninja()
  await recordMade(folder, { whole: true })
  const log = join(folder, '.ninja_log')
  writeFileSync(log, readFileSync(log, 'utf8').replace('object', 'objekt'))
  const found = await findDamage(folder, { thorough: false })
  t.true(found.journals)
  await removeDamage(folder, found)
  t.false(existsSync(log))
})

test("ninja's rewriting of its own notes is not taken for damage", async (t) => {
  const { folder, source, ninja } = project(t)
  // It does so when it opens them with more than a hundred lines.
  for (let round = 0; round < 51; round++) {
    writeFileSync(source, `${round}\n`)
    ninja()
  }
  await recordMade(folder, { whole: true })
  ninja()
  const found = await findDamage(folder, { thorough: true })
  t.deepEqual(found, { outputs: [], journals: false })
})

test('a source that changes under a clock in the past is compiled all the same', async (t) => {
  const { root, folder, source, ninja, library } = project(t)
  t.true(await settleSourceTimes(root, folder))
  ninja()
  writeFileSync(source, 'three\n')
  utimesSync(source, 1e9, 1e9)
  git(root, 'commit', '--quiet', '--all', '--message=three')
  ninja()
  t.is(library(), 'one\n')

  t.true(await settleSourceTimes(root, folder))
  ninja()
  t.is(library(), 'three\n')
  const { mtimeMs } = statSync(source)
  t.true(await settleSourceTimes(root, folder))
  t.is(statSync(source).mtimeMs, mtimeMs)
})

test('an edit that is in no commit is seen as well, once', async (t) => {
  const { root, folder, source, ninja, library } = project(t)
  await settleSourceTimes(root, folder)
  ninja()
  writeFileSync(source, 'three\n')
  utimesSync(source, 1e9, 1e9)
  await settleSourceTimes(root, folder)
  ninja()
  t.is(library(), 'three\n')
  const { mtimeMs } = statSync(source)
  await settleSourceTimes(root, folder)
  t.is(statSync(source).mtimeMs, mtimeMs)
})

test('an edit that was compiled is not compiled again when it is committed', async (t) => {
  const { root, folder, source, ninja } = project(t)
  writeFileSync(source, 'three\n')
  await settleSourceTimes(root, folder)
  ninja()
  const { mtimeMs } = statSync(source)
  const hash = await hashSources(root)
  git(root, 'commit', '--quiet', '--all', '--message=three')
  await settleSourceTimes(root, folder)
  t.is(statSync(source).mtimeMs, mtimeMs)
  t.is(await hashSources(root), hash)
  writeFileSync(source, 'four\n')
  t.not(await hashSources(root), hash)
})

test('a source that is put back under its old time is compiled all the same', async (t) => {
  const { root, folder, source, ninja, library } = project(t)
  const { mtime } = statSync(source)
  writeFileSync(source, 'three\n')
  await settleSourceTimes(root, folder)
  ninja()
  t.is(library(), 'three\n')
  writeFileSync(source, 'one\n')
  utimesSync(source, mtime, mtime)
  await settleSourceTimes(root, folder)
  ninja()
  t.is(library(), 'one\n')
})

test('files from the future are found, and the sources among them brought back', async (t) => {
  const { root, folder, source, ninja } = project(t)
  await settleSourceTimes(root, folder)
  ninja()
  const future = Date.now() / 1000 + 1e8
  utimesSync(source, future, future)
  utimesSync(join(folder, 'library'), future, future)
  t.false(await settleSourceTimes(root, folder))
  t.true(statSync(source).mtimeMs <= Date.now())
  t.true(await settleSourceTimes(root, folder))
})
