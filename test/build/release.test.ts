import { readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { $ } from 'zx'
import { checkContents } from '../../build-scripts/release/contents.ts'
import { makeRelease } from '../../build-scripts/release/make.ts'
import { readRelease } from '../../build-scripts/release/manifest.ts'
import type { PackedPackage } from '../../build-scripts/release/pack.ts'
import { temporaryFolder } from '../region/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const { signal } = new AbortController()

/** A clone of what is committed. */
async function clone(
  t: ExecutionContext,
): Promise<{ project: string; commit(): Promise<unknown> }> {
  const project = join(temporaryFolder(t), 'clone')
  await $({ quiet: true })`git clone --quiet --shared ${repository} ${project}`
  symlinkSync(join(repository, 'node_modules'), join(project, 'node_modules'))
  const run = $({ cwd: project, quiet: true })
  await run`echo node_modules >> .git/info/exclude`
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@localhost']
  return { project, commit: () => run`git ${who} commit --quiet --all --message change` }
}

test('two releases of the same files are the same bytes, and pass their own checks', async (t) => {
  t.timeout(900_000, 'it compiles and packs everything twice')
  const folders = ['first', 'second'].map((name) => join(temporaryFolder(t), name))
  for (const folder of folders) {
    await makeRelease({ project: repository, folder, snapshot: true, signal })
  }
  const [first, second] = folders.map((folder) => readFileSync(join(folder, 'SHA256SUMS'), 'utf8'))
  t.is(first, second)
  const { packages, version } = await readRelease(folders[0]!, signal)
  t.deepEqual(
    packages.map(({ filename }) => filename),
    [`v8-rawmem-linux-x64-${version}.tgz`, `v8-rawmem-${version}.tgz`],
  )
  for (const { filename } of packages) {
    for (const name of [filename, `${filename}.cdx.json`, `${filename}.intoto.json`]) {
      t.true(first!.includes(`  ${name}\n`), name)
    }
  }
})

test('a release is made from a commit', async (t) => {
  const { project } = await clone(t)
  writeFileSync(join(project, 'README.md'), 'changed')
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), snapshot: false, signal }),
    { message: /There are changes that are not committed:\n M README\.md/ },
  )
})

test('prebuilds of other sources are not released', async (t) => {
  const { project, commit } = await clone(t)
  writeFileSync(join(project, 'bindings/src/addon.cc'), '// changed\n')
  await commit()
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), snapshot: false, signal }),
    { message: /prebuilds\/linux-x64 does not belong to this commit:/ },
  )
})

test('packages of several versions are not released', async (t) => {
  const { project } = await clone(t)
  const path = join(project, 'package.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"version": ".*?"/, '"version": "99.0.0"'))
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), snapshot: true, signal }),
    { message: /has the version 99\.0\.0 and asks for @v8-rawmem\/linux-x64 \S+, which is / },
  )
})

test('a folder that is no release is not replaced', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'precious'), '')
  await t.throwsAsync(makeRelease({ project: repository, folder, snapshot: true, signal }), {
    message: /has files in it and is no release/,
  })
})

const main: PackedPackage = {
  name: 'v8-rawmem',
  version: '1.0.0',
  filename: 'v8-rawmem-1.0.0.tgz',
  integrity: 'sha512-',
  size: 1000,
  unpackedSize: 1000,
  files: [
    ...['README.md', 'LICENSE', 'LICENSE.v8', 'package.json', 'install.js', 'v8.lock.json'],
    ...['dist/index.js', 'dist/command/main.js', 'dist/install/main.js', 'dist/release.json'],
    ...['dist/workers/thread-main.js', 'types/index.d.ts', 'bindings/index.ts'],
  ],
}

test('a package has what it must have, nothing else, and not too much of it', (t) => {
  t.notThrows(() => checkContents(main))
  const refused = (change: Partial<PackedPackage>, message: RegExp) =>
    t.throws(() => checkContents({ ...main, ...change }), { message })
  refused({ files: [...main.files, 'bindings/src/addon.cc'] }, /addon\.cc does not belong in it/)
  refused({ files: [...main.files, 'test/nodes.ts'] }, /test\/nodes\.ts does not belong in it/)
  refused({ files: main.files.slice(1) }, /README\.md is missing/)
  refused({ size: 10_000_000 }, /its tarball has 10\.0 MB, more than 250 kB/)
  refused({ unpackedSize: 10_000_000 }, /its content has 10\.0 MB, more than 1\.0 MB/)
})
