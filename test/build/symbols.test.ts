import { copyFileSync, existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { $ } from 'zx'
import {
  debugFilePath,
  hasDebugFile,
  moveSymbols,
  readBuildId,
} from '../../build-scripts/bind/symbols.ts'
import { checkContents, lintPackage } from '../../build-scripts/release/contents.ts'
import { packPackage } from '../../build-scripts/release/pack.ts'
import {
  withoutDebugFile,
  withSymbolsPackage,
} from '../../build-scripts/release/symbols-package.ts'
import { writeTarballDocuments } from '../../build-scripts/release/tarball.ts'
import { checkArtifact } from '../../build-scripts/verify/check-artifact.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const name = 'v8-rawmem.node'
const run = $({ quiet: true })
const commit = '0123456789abcdef0123456789abcdef01234567'

/** A shared library with functions that it does not show, as the linker makes it. */
async function link(folder: string, ...options: string[]): Promise<string> {
  const path = join(folder, `linked${options.join('')}.so`)
  const object = join(folder, 'linked.o')
  const functions = Array.from(
    { length: 100 },
    (_, at) => `.type inner_${at}, @function\ninner_${at}: ret\n.size inner_${at}, 1\n`,
  )
  await $({ quiet: true, input: functions.join('') })`as -o ${object} -`
  await run`ld -shared --build-id=sha1 ${options} -o ${path} ${object}`
  return path
}

/** An addon without symbols, and the folder with its debug file. */
async function addon(t: ExecutionContext) {
  const folder = temporaryFolder(t)
  const prebuild = join(folder, 'prebuilds', 'linux-x64')
  const symbols = join(folder, 'symbols')
  mkdirSync(prebuild, { recursive: true })
  const path = join(prebuild, name)
  const linked = await link(folder)
  copyFileSync(linked, path)
  await moveSymbols(path, name, symbols, 'objcopy')
  return { folder, prebuild, symbols, path, linked }
}

test('the names of functions move from an addon into its debug file', async (t) => {
  const { path, symbols, linked, folder } = await addon(t)
  const debugFile = join(symbols, debugFilePath(await readBuildId(linked)))
  t.is(await readBuildId(path), await readBuildId(linked))
  t.is(await readBuildId(debugFile), await readBuildId(linked))
  t.true(await hasDebugFile(path, symbols))
  t.false(await hasDebugFile(path, folder))
  t.regex((await run`nm ${path}`).stderr, /no symbols/)
  t.regex((await run`nm ${debugFile}`).stdout, / t inner_99\n/)
  // What is loaded is the same, and a name is all that comes to it.
  t.regex(
    (await run`readelf --string-dump=.gnu_debuglink ${path}`).stdout,
    /v8-rawmem\.node\.debug/,
  )
  t.true(statSync(path).size <= statSync(await link(folder, '-s')).size + 200)
})

test('two builds give the same bytes', async (t) => {
  const [one, other] = [await addon(t), await addon(t)]
  const debugFile = debugFilePath(await readBuildId(one.path))
  t.deepEqual(readFileSync(one.path), readFileSync(other.path))
  t.deepEqual(
    readFileSync(join(one.symbols, debugFile)),
    readFileSync(join(other.symbols, debugFile)),
  )
})

test('debug files are packed, and belong to the addons of the checkout', async (t) => {
  const { folder, prebuild, symbols } = await addon(t)
  t.deepEqual(await withoutDebugFile(prebuild, symbols), [])
  t.deepEqual(await withoutDebugFile(prebuild, folder), [name])
  const about = { project: repository, platform: 'linux-x64', version: '1.0.0' }
  await withSymbolsPackage(about, { prebuild, symbols }, async (source) => {
    const packed = await packPackage(source, folder)
    t.is(packed.name, '@v8-rawmem/symbols-linux-x64')
    t.notThrows(() => checkContents(packed))
    await lintPackage(folder, packed)
    const tarball = join(folder, packed.filename)
    await writeTarballDocuments(tarball, source, { project: repository, commit })
    // Made for an addon that is not in prebuilds/.
    const [problem, ...others] = await checkArtifact(tarball, { project: repository, commit })
    t.regex(problem!, /^\.build-id\/.*\.debug is the debug file of no addon in prebuilds\/$/)
    t.deepEqual(others, [])
  })
})

test('an addon without a build id is refused with advice', async (t) => {
  const folder = temporaryFolder(t)
  const path = await link(folder, '--build-id=none')
  await t.throwsAsync(moveSymbols(path, name, folder, 'objcopy'), { message: /has no build id/ })
  t.false(existsSync(join(folder, '.build-id')))
})
