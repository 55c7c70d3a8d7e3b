import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { makeBareRepository } from '../support/bare-repository.ts'
import { git, type Outcome, runV8 } from '../support/build-project.ts'
import { makeMirror, serveFolder } from '../support/debian-mirror.ts'
import { goBackAfterKill, goOnAfterKill } from '../support/killed-roll.ts'
import {
  makeRollProject,
  newRelease,
  oldRelease,
  packRelease,
  type RollProject,
} from '../support/roll-project.ts'

// The new release adds a line above all patches; this one changes a line that a patch changes.
const shifted = [
  'zero',
  'one',
  'two',
  'three',
  'four',
  'five',
  'six',
  'seven',
  'eight',
  'nine',
  'ten',
]
const conflicting = shifted.map((line) => (line === 'eight' ? 'acht' : line))

function makeProject(t: ExecutionContext): RollProject {
  // Each runs several commands, one after the other, and machines can be busy.
  t.timeout(600_000)
  const project = makeRollProject()
  t.teardown(project.remove)
  return project
}

const roll = (project: RollProject, ...args: string[]): Promise<Outcome> =>
  runV8(project, ['roll', '--archive', project.archives, ...args], project.environment)

const engine = (tree: string) => readFileSync(join(tree, 'src/engine.cc'), 'utf8')
const lock = (project: RollProject) =>
  JSON.parse(readFileSync(join(project.project, 'v8.lock.json'), 'utf8'))

/** The new pin builds: its sources and patches are what the project says. */
async function requireRolled(t: ExecutionContext, project: RollProject): Promise<void> {
  const { v8, chromium, source, patches } = lock(project)
  t.deepEqual(v8, { version: newRelease.v8, tag: newRelease.v8, date: '2026-09-21T14:13:20Z' })
  t.is(chromium.version, newRelease.chromium)
  t.is(source.topFolder, `chromium-${newRelease.chromium}`)
  t.is(source.tree, git(project.newTree, 'rev-parse', 'upstream^{tree}'))
  t.is(patches.folder, 'patches/15.0')
  const upstream = JSON.parse(readFileSync(join(project.project, 'upstream/pin.json'), 'utf8'))
  t.is(upstream.v8, newRelease.v8)
  t.is(upstream.chromium.revision, `refs/tags/${newRelease.chromium}`)
  t.is(upstream.generated['build/util/LASTCHANGE.committime'], '1790000000')
  // The tree that repositories can give has no files that only the archive has.
  const inRepositories = git(project.newTree, 'ls-tree', '-r', '--name-only', upstream.tree)
  t.false(/\.versions|location_tags/.test(inRepositories))
  t.true(
    git(project.newTree, 'ls-tree', '-r', '--name-only', 'upstream').includes('.versions/tool'),
  )
  for (const args of [['fetch', '--archive', project.archives], ['patch']]) {
    const { code, stderr } = await runV8(project, args, project.environment)
    t.is(code, 0, `${args}: ${stderr}`)
  }
  t.is(git(project.newTree, 'status', '--porcelain'), '')
  t.false(existsSync(join(project.cache, 'roll')))
}

test.serial(
  'rolls to a newer patch level, and the old version stays until the files are committed',
  async (t) => {
    const project = makeProject(t)
    const before = project.read()
    packRelease(project.archives, { ...newRelease, lines: shifted })
    const { code, stdout, stderr } = await roll(project)
    t.is(code, 0, stderr)
    t.regex(stdout, /the pin is V8 15\.0\.1\.2 now \(it was 15\.0\.1\.1\)/)
    t.regex(stdout, /npm run v8 -- all/)
    await requireRolled(t, project)
    t.regex(engine(project.newTree), /^zero\none\ntwo\nTWO\nfour\n.*\n.*\n.*\nEIGHT\n/)

    // What "git checkout" would do.
    for (const [name, content] of Object.entries(before)) {
      writeFileSync(join(project.project, name), content, 'latin1')
    }
    const old = await runV8(project, ['patch'], project.environment)
    t.is(old.code, 0, old.stderr)
    t.is(engine(project.tree).split('\n')[0], 'one')
  },
)

test.serial('says that there is nothing newer, and changes nothing', async (t) => {
  const project = makeProject(t)
  const before = project.read()
  const check = await roll(project, '--check')
  t.is(check.code, 0, check.stderr)
  t.regex(
    check.stdout,
    /pinned is V8 15\.0\.1\.1 \(Chromium 150\.0\.1\.1\) of 2026-01-01, \d+ days old/,
  )
  t.regex(check.stdout, /No place has a newer patch level of V8 15\.0/)
  const rolled = await roll(project)
  t.is(rolled.code, 0, rolled.stderr)
  t.regex(rolled.stdout, /no place has a newer patch level/)
  t.deepEqual(project.read(), before)

  // A newer Chromium may have the same V8.
  packRelease(project.archives, { ...oldRelease, chromium: newRelease.chromium })
  const same = await roll(project)
  t.is(same.code, 0, same.stderr)
  t.regex(same.stdout, /Chromium 150\.0\.1\.2 has V8 15\.0\.1\.1, which is pinned/)
  t.deepEqual(project.read(), before)
  t.is((await roll(project, '--abort')).code, 1)
})

test.serial('asks all suites, and tells what is listed from what can be had', async (t) => {
  const project = makeProject(t)
  const mirror = join(project.root, 'mirror')
  const there = packRelease(join(mirror, 'pool/main/c/chromium'), { ...newRelease, lines: shifted })
  const gone = { file: 'chromium_151.0.9.9.orig.tar.xz', size: 5, sha256: 'e'.repeat(64) }
  makeMirror(mirror, {
    oldstable: [],
    stable: [{ version: '150.0.1.2-1~deb13u1', ...there }],
    testing: [{ version: '151.0.9.9-1', ...gone }],
    unstable: [{ version: '151.0.9.9-1', ...gone }],
  })
  const server = await serveFolder(mirror)
  t.teardown(server.close)
  project.useMirror(`deb [trusted=yes] ${server.url} bookworm main\n`)
  const ask = (...args: string[]) => runV8(project, ['roll', ...args], project.environment)

  const check = await ask('--check')
  t.is(check.code, 1, check.stderr)
  t.regex(
    check.stdout,
    /V8 15\.0, the line of the pin:\n.*150\.0\.1\.2 \(stable, [\d.]+ k?B\): can be had/,
  )
  t.regex(
    check.stdout,
    /V8 15\.1:\n.*151\.0\.9\.9 \(testing, unstable, 5 B\): listed, but http\S+ answers 404/,
  )
  t.regex(check.stderr, /127\.0\.0\.1:9 \(by git\): does not answer/)

  const refused = await ask('--to', '151.0.9.9')
  t.is(refused.code, 1)
  t.regex(refused.stderr, /It is listed, but cannot be had:\n- 151\.0\.9\.9 .*answers 404/)

  // The pinned archive is in no suite, and comes from the folder.
  const rolled = await ask('--archive', project.archives)
  t.is(rolled.code, 0, rolled.stderr)
  await requireRolled(t, project)
  t.deepEqual(lock(project).source.archive, {
    ...there,
    debian: { package: 'chromium', version: '150.0.1.2-1~deb13u1', suite: 'stable' },
  })
})

test.serial("tells the tags of V8's repository, and that a roll needs an archive", async (t) => {
  const project = makeProject(t)
  const repositories = join(project.root, 'repositories')
  makeBareRepository(join(repositories, 'v8.git'), { 'README.md': 'V8\n' })
  // Of these, the first is pinned, one is of another branch, and one is for builders of Chromium.
  for (const tag of [
    '15.0.1.1',
    '15.0.1.9',
    '15.0.1.10',
    '15.0.2.1',
    '15.0.1.11-pgo',
    '15.1.3.4',
  ]) {
    git(join(repositories, 'v8.git'), 'tag', tag, 'HEAD')
  }
  const environment = {
    ...project.environment,
    V8_RAWMEM_GIT_MIRROR: pathToFileURL(`${repositories}/`).href,
  }
  const check = await runV8(project, ['roll', '--check'], environment)
  t.is(check.code, 1, check.stderr)
  t.regex(check.stdout, /Newest tag in V8's repository on this branch: 15\.0\.1\.10\n/)
  t.regex(check.stdout, /Newest tag of the next line: 15\.1\.3\.4\n/)
  const rolled = await runV8(project, ['roll'], environment)
  t.is(rolled.code, 1)
  t.regex(rolled.stderr, /V8's repository has 15\.0\.1\.10, but no place has an archive with it/)
})

test.serial('a new line gets a folder of patches of its own', async (t) => {
  const project = makeProject(t)
  const before = project.read()
  packRelease(project.archives, { chromium: '151.0.9.9', v8: '15.1.7.7', lines: shifted })
  const unasked = await roll(project)
  t.is(unasked.code, 0, unasked.stderr)
  t.regex(unasked.stdout, /Of other lines there are: Chromium 151\.0\.9\.9 \(--to\)/)
  const wrong = await roll(project, '--to', '15.1.7.8')
  t.is(wrong.code, 1)
  t.regex(wrong.stderr, /Chromium 151\.0\.9\.9 has V8 15\.1\.7\.7, not 15\.1\.7\.8/)
  t.is((await roll(project, '--abort')).code, 0)
  const { code, stderr } = await roll(project, '--to', '15.1.7.7')
  t.is(code, 0, stderr)
  t.is(lock(project).patches.folder, 'patches/15.1')
  t.deepEqual(readdirSync(join(project.project, 'patches/15.1/wasm')), [
    '0001-wasm-Say-EIGHT.patch',
  ])
  const old = './patches/15.0/wasm/0001-wasm-Say-EIGHT.patch'
  t.is(project.read()[old], before[old])
})

test.serial(
  'stops at a conflict with file and hunk, and goes on when it is resolved',
  async (t) => {
    const project = makeProject(t)
    const before = project.read()
    packRelease(project.archives, { ...newRelease, lines: conflicting })
    const stopped = await roll(project)
    t.is(stopped.code, 1)
    t.regex(stopped.stderr, /The patch "\[wasm\] Say EIGHT" does not go onto the new version/)
    t.regex(stopped.stderr, /src\/engine\.cc: the hunk in lines 9 to 13/)
    t.regex(stopped.stderr, /roll --continue\n.*roll --abort/)
    t.deepEqual(project.read(), before)
    t.regex(git(project.newTree, 'status'), /rebase in progress/)
    // The old pin builds all the while.
    t.is((await runV8(project, ['patch'], project.environment)).code, 0)

    const plain = await roll(project)
    t.is(plain.code, 1)
    t.regex(plain.stderr, /has stopped at a conflict/)
    const unresolved = await roll(project, '--continue')
    t.is(unresolved.code, 1)
    t.regex(unresolved.stderr, /src\/engine\.cc: the hunk in lines 9 to 13/)

    const resolution = conflicting.map((line) => ({ three: 'TWO', acht: 'ACHT' })[line] ?? line)
    writeFileSync(join(project.newTree, 'src/engine.cc'), `${resolution.join('\n')}\n`)
    const notAdded = await roll(project, '--continue')
    t.is(notAdded.code, 1)
    t.regex(notAdded.stderr, /src\/engine\.cc: resolved, but not yet added/)
    git(project.newTree, 'add', 'src/engine.cc')
    const { code, stderr } = await roll(project, '--continue')
    t.is(code, 0, stderr)
    await requireRolled(t, project)
    t.true(engine(project.newTree).includes('ACHT'))
  },
)

test.serial("goes on after git's own --continue, and begins anew after its --abort", async (t) => {
  const project = makeProject(t)
  packRelease(project.archives, { ...newRelease, lines: conflicting })
  t.is((await roll(project)).code, 1)
  git(project.newTree, 'rebase', '--abort')
  t.regex((await roll(project, '--continue')).stderr, /does not go onto the new version/)
  git(project.newTree, 'checkout', '--theirs', 'src/engine.cc')
  git(project.newTree, 'add', 'src/engine.cc')
  git(project.newTree, '-c', 'core.editor=true', 'rebase', '--continue')
  const { code, stderr } = await roll(project, '--continue')
  t.is(code, 0, stderr)
  await requireRolled(t, project)
})

test.serial('--abort goes back from a conflict, and there is nothing to abort twice', async (t) => {
  const project = makeProject(t)
  const before = project.read()
  packRelease(project.archives, { ...newRelease, lines: conflicting })
  t.is((await roll(project)).code, 1)
  const other = await roll(project, '--to', '151.0.9.9')
  t.regex(other.stderr, /A roll to Chromium 150\.0\.1\.2 is under way/)
  const aborted = await roll(project, '--abort')
  t.is(aborted.code, 0, aborted.stderr)
  t.deepEqual(project.read(), before)
  t.false(existsSync(project.newTree))
  t.false(existsSync(join(project.cache, 'roll')))
  const again = await roll(project, '--abort')
  t.is(again.code, 1)
  t.regex(again.stderr, /No roll is under way/)
})

test.serial(
  'keeps away from a project that has changed, and from a work tree that is not its own',
  async (t) => {
    const project = makeProject(t)
    packRelease(project.archives, { ...newRelease, lines: conflicting })
    t.is((await roll(project)).code, 1)
    const file = join(project.project, 'patches/15.0/wasm/0001-wasm-Say-EIGHT.patch')
    const series = readFileSync(file, 'utf8')
    writeFileSync(file, series.replace('wants EIGHT', 'wants 8'))
    t.regex((await roll(project, '--continue')).stderr, /have changed since the roll began/)
    writeFileSync(file, series)
    t.is((await roll(project, '--abort')).code, 0)

    packRelease(project.archives, { ...newRelease, lines: shifted })
    t.is((await roll(project)).code, 0)
    const rolled = project.read()
    t.is((await roll(project, '--abort')).code, 1)
    t.deepEqual(project.read(), rolled)
  },
)

for (const { name, damage, message } of [
  {
    name: 'damaged',
    damage: (bytes: Buffer) => bytes.fill(0, bytes.length / 2, bytes.length / 2 + 64),
    message: /Cannot unpack .*tar ends with code|cannot be read as a tar archive/,
  },
  {
    name: 'no archive',
    damage: (bytes: Buffer) => bytes.fill(7),
    message: /cannot be read as a tar/,
  },
]) {
  test.serial(`refuses an archive that is ${name}`, async (t) => {
    const project = makeProject(t)
    const before = project.read()
    const { file } = packRelease(project.archives, { ...newRelease, padding: 100_000 })
    const path = join(project.archives, file)
    writeFileSync(path, damage(readFileSync(path)))
    const { code, stderr } = await roll(project)
    t.is(code, 1)
    t.regex(stderr, message)
    t.deepEqual(project.read(), before)
    t.is((await roll(project, '--abort')).code, 0)
  })
}

test.serial('refuses an archive that holds another release than its name says', async (t) => {
  const project = makeProject(t)
  const { file } = packRelease(project.archives, newRelease)
  const name = join(project.archives, 'chromium_150.0.1.3.orig.tar.xz')
  writeFileSync(name, readFileSync(join(project.archives, file)))
  const { code, stderr } = await roll(project)
  t.is(code, 1)
  t.regex(stderr, /is not Chromium 150\.0\.1\.3: it has chromium-150\.0\.1\.2\//)
})

test.serial('without a network, says what did not answer, and claims nothing', async (t) => {
  const project = makeProject(t)
  project.useMirror('deb [trusted=yes] http://127.0.0.1:9 bookworm main\n')
  for (const args of [['--check'], []]) {
    const { code, stdout, stderr } = await runV8(project, ['roll', ...args], project.environment)
    t.is(code, 2, stdout + stderr)
    t.regex(stderr, /Failed to fetch http:\/\/127\.0\.0\.1:9/)
    t.regex(stderr, /127\.0\.0\.1:9 \(by git\): does not answer/)
    t.regex(stderr, /No place could be asked/)
    t.notRegex(stdout, /no place has a newer/i)
  }
})

// npm run test:faults kills at every step.
for (const step of ['unpacking', 'the rebase', 'the install']) {
  test.serial(`goes on after kill -9 at ${step}`, async (t) => {
    t.timeout(600_000)
    await t.notThrowsAsync(goOnAfterKill(step))
  })
}

test.serial('goes back after kill -9 at the export', async (t) => {
  t.timeout(600_000)
  await t.notThrowsAsync(goBackAfterKill('the export'))
})
