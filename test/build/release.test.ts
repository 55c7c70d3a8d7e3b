import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { create } from 'tar'
import { $ } from 'zx'
import { readSdkManifest } from '../../build-scripts/package/sdk-manifest.ts'
import { checkContents, lintPackage } from '../../build-scripts/release/contents.ts'
import { makeRelease, stageCheckout } from '../../build-scripts/release/make.ts'
import { type PackedPackage, packPackage } from '../../build-scripts/release/pack.ts'
import { readRelease } from '../../build-scripts/release/release-manifest.ts'
import { findSdkArchive, withSdkPackage } from '../../build-scripts/release/sdk-package.ts'
import { writeTarballDocuments } from '../../build-scripts/release/tarball.ts'
import { cacheLayout, cacheRoot } from '../../build-scripts/shared/context.ts'
import { loadPin } from '../../build-scripts/shared/pin.ts'
import { checkArtifact } from '../../build-scripts/verify/check-artifact.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { listenOnLoopback } from '../support/loopback.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { typescript } from '../support/typescript.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const lock = JSON.parse(readFileSync(join(repository, 'v8.lock.json'), 'utf8')) as {
  v8: { version: string }
}
const commit = '0123456789abcdef0123456789abcdef01234567'

/** Where neither SDKs nor debug files are. */
const nowhere = { sdks: join(repository, 'samples'), symbols: join(repository, 'samples') }

/** A clone of what is committed. */
async function clone(
  t: ExecutionContext,
): Promise<{ project: string; commit(): Promise<unknown> }> {
  const project = join(temporaryFolder(t), 'clone')
  await $({ quiet: true })`git clone --quiet --shared ${repository} ${project}`
  symlinkSync(join(repository, 'node_modules'), join(project, 'node_modules'))
  const run = $({ cwd: project, quiet: true })
  const who = ['-c', 'user.name=test', '-c', 'user.email=test@localhost']
  return { project, commit: () => run`git ${who} commit --quiet --all --message change` }
}

test('two releases of the same files are the same bytes, and pass their own checks', async (t) => {
  t.timeout(900_000, 'it compiles and packs everything twice')
  const folders = ['first', 'second'].map((name) => join(temporaryFolder(t), name))
  for (const folder of folders) {
    await makeRelease({ project: repository, folder, ...nowhere, snapshot: true })
    // Who else may read what is compiled must not decide about bytes.
    const umask = process.umask(0o077)
    t.teardown(() => process.umask(umask))
  }
  const [first, second] = folders.map((folder) => readFileSync(join(folder, 'SHA256SUMS'), 'utf8'))
  t.is(first, second)
  const { packages, version } = await readRelease(folders[0]!)
  t.deepEqual(
    packages.map(({ filename }) => filename),
    ['linux-arm64-', 'linux-x64-', ''].map((name) => `v8-rawmem-${name}${version}.tgz`),
  )
  for (const { filename } of packages) {
    for (const name of [filename, `${filename}.cdx.json`, `${filename}.intoto.json`]) {
      t.true(first!.includes(`  ${name}\n`), name)
    }
  }
})

test('the package of an SDK has all of its files, and passes its own checks', async (t) => {
  const { sdk } = cacheLayout(cacheRoot(), await loadPin(repository))
  const archive = await findSdkArchive(sdk, lock.v8.version, 'linux-x64')
  if (!archive) {
    t.log(`left out: there is no SDK in ${sdk} ("npm run v8 -- all" makes one)`)
    t.pass()
    return
  }
  t.timeout(600_000, 'it packs an SDK')
  const destination = temporaryFolder(t)
  await withSdkPackage(archive, '1.0.0', async (folder) => {
    const packed = await packPackage(folder, destination)
    const { files } = await readSdkManifest(folder)
    t.deepEqual(
      packed.files.filter((file) => !/^(package|manifest)\.json$/.test(file)).sort(),
      Object.keys(files).sort(),
    )
    t.notThrows(() => checkContents(packed))
    await lintPackage(destination, packed)
    const tarball = join(destination, packed.filename)
    await writeTarballDocuments(tarball, folder, { project: repository, commit })
    const problems = await checkArtifact(tarball, { project: repository, commit })
    // Of an older commit, it may have other patches; nothing else may differ.
    t.deepEqual(
      problems.filter((problem) => !/^manifest\.json › (lock|patches)/.test(problem)),
      [],
    )
  })
})

test('a release is made with the SDKs', async (t) => {
  const { project } = await clone(t)
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), ...nowhere, snapshot: false }),
    // Where the prebuilds are of other sources, that is said first.
    { message: /The SDK for linux-\w+ does not belong|prebuilds\/linux-\w+ does not belong/ },
  )
})

test('a release is made from a commit', async (t) => {
  const { project } = await clone(t)
  writeFileSync(join(project, 'README.md'), 'changed')
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), ...nowhere, snapshot: false }),
    { message: /There are changes that are not committed:\n M README\.md/ },
  )
})

test('without a clone there is no commit to make a release from', async (t) => {
  const project = temporaryFolder(t)
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), ...nowhere, snapshot: true }),
    { instanceOf: AdvisedError, message: /git cannot say what is checked out in .*not a git/s },
  )
})

test('what is no regular file, or not there any more, is not packed', async (t) => {
  const { project } = await clone(t)
  symlinkSync('../docs', join(project, 'bindings/linked.ts'))
  rmSync(join(project, 'README.md'))
  const stage = temporaryFolder(t)
  await stageCheckout(project, stage)
  t.deepEqual(
    ['dist/bindings/index.js', 'node_modules', 'bindings/linked.ts', 'README.md'].map((name) =>
      existsSync(join(stage, name)),
    ),
    [true, true, false, false],
  )
})

test('prebuilds of other sources are not released', async (t) => {
  const { project, commit } = await clone(t)
  writeFileSync(join(project, 'bindings/native/patched/addon.cc'), '// changed\n')
  await commit()
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), ...nowhere, snapshot: false }),
    { message: /prebuilds\/linux-arm64 does not belong to this commit:/ },
  )
})

test('packages of several versions are not released', async (t) => {
  const { project } = await clone(t)
  const path = join(project, 'package.json')
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"version": ".*?"/, '"version": "99.0.0"'))
  await t.throwsAsync(
    makeRelease({ project, folder: join(project, 'release'), ...nowhere, snapshot: true }),
    { message: /has the version 99\.0\.0 and asks for @v8-rawmem\/linux-arm64 \S+, which is / },
  )
})

test('a folder that is no release is not replaced', async (t) => {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'precious'), '')
  await t.throwsAsync(makeRelease({ project: repository, folder, ...nowhere, snapshot: true }), {
    message: /has files in it and is no release/,
  })
})

test('--registry decides, even where npm is set up with another one for the scope', async (t) => {
  const folder = temporaryFolder(t)
  const pack = join(temporaryFolder(t), 'package')
  const [name, version, filename] = ['@v8-rawmem/demo', '1.0.0', 'v8-rawmem-demo-1.0.0.tgz']
  mkdirSync(pack)
  writeFileSync(join(pack, 'package.json'), JSON.stringify({ name, version }))
  await create({ cwd: dirname(pack), file: join(folder, filename), gzip: true }, ['package'])
  const packages = [{ name, version, filename, integrity: 'sha512-' }]
  const release = { version, commit: '', snapshot: true, packages }
  writeFileSync(join(folder, 'release.json'), JSON.stringify(release))
  await $({ cwd: folder, quiet: true })`sha256sum release.json ${filename} > SHA256SUMS`
  const npmrc = join(temporaryFolder(t), 'npmrc')
  writeFileSync(npmrc, '@v8-rawmem:registry=http://127.0.0.1:1/\nfetch-retries=0\n')

  const asked: (string | undefined)[] = []
  const registry = createServer(({ url }, response) => {
    asked.push(url)
    response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
  })
  const { url, close } = await listenOnLoopback(registry)
  t.teardown(close)
  const script = join(repository, 'build-scripts/release.ts')
  const { exitCode, stderr } = await $({
    cwd: repository,
    env: { ...process.env, npm_config_userconfig: npmrc },
    quiet: true,
    nothrow: true,
  })`node ${typescript} ${script} --publish --dry-run --folder ${folder} --registry ${url}`
  t.is(exitCode, 0, stderr)
  t.true(asked.includes('/@v8-rawmem%2fdemo'), asked.join(' '))
  t.true(stderr.includes(`Publishing to ${url}`), stderr)
})

const main: PackedPackage = {
  name: 'v8-rawmem',
  version: '1.0.0',
  filename: 'v8-rawmem-1.0.0.tgz',
  integrity: 'sha512-',
  size: 1000,
  unpackedSize: 1000,
  files: [
    ...['README.md', 'CHANGELOG.md', 'LICENSE', 'LICENSE.v8', 'package.json', 'install.js'],
    'v8.lock.json',
    ...[
      'dist/bindings/index.js',
      'dist/bindings/workers/thread-main.js',
      'dist/bindings/inspector/server-main.js',
      'dist/cli/main.js',
    ],
    ...['dist/cli/install/main.js', 'dist/release.json', 'types/index.d.ts', 'bindings/index.ts'],
  ],
}

test('a package has what it must have, nothing else, and not too much of it', (t) => {
  t.notThrows(() => checkContents(main))
  const refused = (change: Partial<PackedPackage>, message: RegExp) =>
    t.throws(() => checkContents({ ...main, ...change }), { message })
  refused(
    { files: [...main.files, 'bindings/native/patched/addon.cc'] },
    /addon\.cc does not belong in it/,
  )
  refused({ files: [...main.files, 'test/nodes.ts'] }, /test\/nodes\.ts does not belong in it/)
  refused({ files: main.files.slice(1) }, /README\.md is missing/)
  refused({ size: 10_000_000 }, /its tarball has 10\.0 MB, more than 450 kB/)
  refused({ unpackedSize: 10_000_000 }, /its content has 10\.0 MB, more than 1\.5 MB/)
})
