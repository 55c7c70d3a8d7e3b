import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { c as createTar } from 'tar'
import { documentsOf } from '../../build-scripts/provenance/documents.ts'
import { writeTarballDocuments } from '../../build-scripts/release/tarball.ts'
import { sha256 } from '../../build-scripts/shared/hash.ts'
import { checkArtifact } from '../../build-scripts/verify/check-artifact.ts'
import {
  copyProvenanceProject,
  makeProvenanceProject,
  type ProvenanceProject,
} from '../support/provenance-project.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { typescript } from '../support/typescript.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const sha512 = (bytes: Uint8Array) => createHash('sha512').update(bytes).digest('hex')
const lock = JSON.parse(readFileSync(join(repository, 'v8.lock.json'), 'utf8'))
const lastFolder = join(lock.patches.folder, lock.patches.series.at(-1))
const commit = '0123456789abcdef0123456789abcdef01234567'

let original: ProvenanceProject
test.before(async () => {
  original = await makeProvenanceProject()
})
test.after.always(() => original?.remove())

function project(t: ExecutionContext): ProvenanceProject {
  const copy = copyProvenanceProject(original)
  t.teardown(copy.remove)
  return copy
}

function check(artifact: string, { project }: ProvenanceProject): Promise<string[]> {
  return checkArtifact(artifact, { project, commit })
}

/** Another value in one byte of a file. */
function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  bytes[at]! ^= 1
  writeFileSync(path, bytes)
}

test('an addon and an SDK agree with their documents and the checkout that made them', async (t) => {
  const made = project(t)
  t.deepEqual(await check(made.addon, made), [])
  t.deepEqual(await check(made.sdkArchive, made), [])
})

test('two builds in different folders write the same bytes, with no time and no path in them', async (t) => {
  const [one, other] = [original, await makeProvenanceProject()]
  t.teardown(other.remove)
  for (const artifact of ['addon', 'sdkArchive'] as const) {
    const [ours, theirs] = [documentsOf(one[artifact]), documentsOf(other[artifact])]
    for (const kind of ['bill', 'statement'] as const) {
      const text = readFileSync(ours[kind], 'utf8')
      t.is(text, readFileSync(theirs[kind], 'utf8'))
      t.notRegex(text, /\d{4}-\d\d-\d\dT|"\/|tmp/)
    }
  }
})

test('the documents are a CycloneDX bill and an in-toto statement about the very addon', async (t) => {
  const made = project(t)
  const { bill, statement } = documentsOf(made.addon)
  const said = JSON.parse(readFileSync(statement, 'utf8'))
  t.is(said._type, 'https://in-toto.io/Statement/v1')
  t.is(said.predicateType, 'https://slsa.dev/provenance/v1')
  t.deepEqual(said.subject, [{ name: 'v8-rawmem.node', digest: { sha256: sha256('an addon') } }])
  t.deepEqual(said.predicate.runDetails.byproducts, [
    { name: 'v8-rawmem.node.cdx.json', digest: { sha256: sha256(readFileSync(bill)) } },
  ])
  const document = JSON.parse(readFileSync(bill, 'utf8'))
  t.is(document.bomFormat, 'CycloneDX')
  const names = document.components.map(({ name }: { name: string }) => name).sort()
  t.deepEqual(names, ['fp', 'node-api-headers', 'v8'])
  const patches = readdirSync(join(made.project, lastFolder)).filter((name) =>
    name.endsWith('.patch'),
  )
  const v8 = document.components.find(({ name }: { name: string }) => name === 'v8')
  for (const patch of patches) {
    const file = join(lastFolder, patch)
    const digest = { sha256: sha256(readFileSync(join(made.project, file))) }
    t.deepEqual(
      said.predicate.buildDefinition.resolvedDependencies.find(
        ({ name }: { name: string }) => name === file,
      ),
      { name: file, digest },
    )
    t.true(v8.pedigree.patches.some((entry: { diff: { url: string } }) => entry.diff.url === file))
  }
})

test('a flipped byte in the addon is found', async (t) => {
  const made = project(t)
  flip(made.addon, 3)
  const problems = await check(made.addon, made)
  t.regex(problems.join('\n'), /cdx\.json: has sha256 \w+, but .*v8-rawmem\.node has/)
  t.regex(problems.join('\n'), /intoto\.json: subject › v8-rawmem\.node › digest › sha256: is/)
})

for (const kind of ['bill', 'statement'] as const) {
  test(`a flipped byte anywhere in the ${kind} is found`, async (t) => {
    const made = project(t)
    const path = documentsOf(made.addon)[kind]
    const size = readFileSync(path).length
    for (let at = 0; at < size; at += Math.ceil(size / 40)) {
      flip(path, at)
      t.not((await check(made.addon, made)).length, 0, `byte ${at}`)
      flip(path, at)
    }
    t.deepEqual(await check(made.addon, made), [])
  })
}

test('white space that was changed in a statement is found', async (t) => {
  const made = project(t)
  appendFileSync(documentsOf(made.addon).statement, '\n')
  t.deepEqual(await check(made.addon, made), [
    'v8-rawmem.node.intoto.json: says what it should, but in other bytes',
  ])
})

test('a patch that was changed, removed or added since is found and named', async (t) => {
  const made = project(t)
  const folder = join(made.project, lastFolder)
  const [first, second] = readdirSync(folder).filter((name) => name.endsWith('.patch'))
  appendFileSync(join(folder, first!), '\n')
  rmSync(join(folder, second!))
  writeFileSync(join(folder, '0099-new.patch'), 'new')
  for (const artifact of [made.addon, made.sdkArchive]) {
    const problems = (await check(artifact, made)).join('\n')
    t.true(problems.includes(`resolvedDependencies › ${lastFolder}/${first} › digest › sha256: is`))
    t.true(problems.includes(`resolvedDependencies › ${lastFolder}/${second}: should not be there`))
    t.true(problems.includes(`resolvedDependencies › ${lastFolder}/0099-new.patch: is missing`))
  }
})

test('another archive or argument in v8.lock.json is found', async (t) => {
  const made = project(t)
  const path = join(made.project, 'v8.lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8'))
  lock.source.archive.sha256 = 'f'.repeat(64)
  lock.build.args.v8_enable_webassembly = false
  writeFileSync(path, JSON.stringify(lock))
  const ofAddon = (await check(made.addon, made)).join('\n')
  t.regex(ofAddon, /chromium_\S+ › digest › sha256: is "0e03\w+", should be "ffff/)
  t.regex(ofAddon, /v8\.lock\.json › digest › sha256: is/)
  const ofSdk = (await check(made.sdkArchive, made)).join('\n')
  t.regex(ofSdk, /args › v8_enable_webassembly: is true, should be false/)
})

test('sources of the binding that were changed since are found', async (t) => {
  const made = project(t)
  appendFileSync(join(made.project, 'bindings/native/patched/addon.cc'), '\n')
  t.regex(
    (await check(made.addon, made)).join('\n'),
    /sources of the binding › digest › sha256: is/,
  )
})

test('an addon whose V8 had changes that are in no patch does not pass', async (t) => {
  const made = project(t)
  const { statement } = documentsOf(made.addon)
  const text = readFileSync(statement, 'utf8')
  writeFileSync(statement, text.replace('"modified": false', '"modified": true'))
  t.regex((await check(made.addon, made)).join('\n'), /modified: is true, should be false/)
})

test('a manifest that describes another addon does not pass', async (t) => {
  const made = project(t)
  const path = join(made.prebuild, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  manifest.engine.sha256 = 'f'.repeat(64)
  manifest.engine.patches.pop()
  writeFileSync(path, JSON.stringify(manifest))
  t.regex((await check(made.addon, made)).join('\n'), /manifest\.json: engine › sha256: is "ffff/)
  t.regex((await check(made.addon, made)).join('\n'), /engine › patches › patches\S+: is missing/)
})

test('a licence that is missing or was changed is found, with the component that it is of', async (t) => {
  const made = project(t)
  const licences = join(made.prebuild, 'licences')
  rmSync(join(licences, 'third_party/fp/LICENSE'))
  appendFileSync(join(licences, 'v8/LICENSE'), '!')
  t.deepEqual(await check(made.addon, made), [
    'third_party/fp: its licence licences/third_party/fp/LICENSE is not there',
    'v8: its licence licences/v8/LICENSE is another one',
  ])
})

test('what was linked is in both documents, and it is a fault when its licence was not found', async (t) => {
  const library = inFolder(t, 'libgcc.a')
  const made = await makeProvenanceProject([library])
  t.teardown(made.remove)
  t.deepEqual(await check(made.addon, made), ['libgcc: no licence of it is named'])
  const statement = JSON.parse(readFileSync(documentsOf(made.addon).statement, 'utf8'))
  t.deepEqual(statement.predicate.buildDefinition.resolvedDependencies.at(-1), {
    name: 'libgcc.a',
    digest: { sha256: sha256('objects') },
  })
})

test('an addon with something inside whose licence is not permitted is refused', async (t) => {
  const library = inFolder(t, 'libdemo.a')
  await t.throwsAsync(makeProvenanceProject([library]), {
    message: /not one of those permitted:\n {2}libdemo\.a: NOASSERTION/,
  })
})

function inFolder(t: ExecutionContext, name: string): string {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, name), 'objects')
  return join(folder, name)
}

test('documents that are missing, of another shape or no JSON are errors that name them', async (t) => {
  const made = project(t)
  const { bill, statement } = documentsOf(made.addon)
  const [goodBill, goodStatement] = [readFileSync(bill), readFileSync(statement)]
  writeFileSync(bill, '{}')
  const ofBill = (await check(made.addon, made)).join('\n')
  t.regex(ofBill, /v8-rawmem\.node\.cdx\.json is no valid CycloneDX document:\n.*bomFormat/)
  writeFileSync(bill, goodBill)
  writeFileSync(statement, '{')
  t.deepEqual(await check(made.addon, made), ['v8-rawmem.node.intoto.json is not JSON'])
  writeFileSync(statement, goodStatement)
  rmSync(bill)
  t.deepEqual(await check(made.addon, made), [`${bill} is not there`])
  rmSync(join(made.prebuild, 'manifest.json'))
  t.regex(
    (await check(made.addon, made)).join(),
    /manifest\.json is not there, not valid, or lacks/,
  )
})

test('a bill that is CycloneDX, but not one of this project, is a problem and no crash', async (t) => {
  const made = project(t)
  const { bill } = documentsOf(made.addon)
  const text = readFileSync(bill, 'utf8')
  for (const [said, other] of [
    ['"purl": "pkg:', '"purl": "qkg:'],
    ['"licences/LICENSE"', '"licences/../LICENSE"'],
  ] as const) {
    t.true(text.includes(said), said)
    writeFileSync(bill, text.replace(said, other))
    t.regex(
      (await check(made.addon, made)).join('\n'),
      /v8-rawmem\.node\.cdx\.json is not valid:\n/,
    )
  }
})

test('a damaged SDK archive is found', async (t) => {
  const made = project(t)
  const bytes = readFileSync(made.sdkArchive)
  writeFileSync(made.sdkArchive, bytes.subarray(0, bytes.length - 20))
  t.regex((await check(made.sdkArchive, made)).join(), /Cannot unpack .*v8-sdk-linux-x64\.tar\.zst/)
})

/** A package as npm packs it, with what a platform's package has in it. */
async function packPackage(t: ExecutionContext, made: ProvenanceProject, manifest: object) {
  const folder = temporaryFolder(t)
  renameSync(made.prebuild, join(folder, 'package'))
  mkdirSync(made.prebuild)
  writeFileSync(join(folder, 'package/package.json'), JSON.stringify(manifest))
  const tarball = join(folder, 'demo-1.2.3.tgz')
  await createTar({ gzip: true, portable: true, file: tarball, cwd: folder, mtime: new Date(0) }, [
    'package',
  ])
  await writeTarballDocuments(tarball, join(folder, 'package'), { project: made.project, commit })
  return tarball
}

test('a package of npm has the components of its addons, and what npm installs with it', async (t) => {
  const made = project(t)
  const manifest = {
    name: '@demo/linux-x64',
    version: '1.2.3',
    license: 'BSD-3-Clause',
    dependencies: { 'cli-progress': '*' },
  }
  const tarball = await packPackage(t, made, manifest)
  t.deepEqual(await check(tarball, made), [])
  const { components, metadata } = JSON.parse(readFileSync(documentsOf(tarball).bill, 'utf8'))
  t.is(metadata.component.purl, 'pkg:npm/%40demo/linux-x64@1.2.3')
  t.deepEqual(components.map(({ name }: { name: string }) => name).sort(), [
    'ansi-regex',
    'cli-progress',
    'emoji-regex',
    'fp',
    'is-fullwidth-code-point',
    'node-api-headers',
    'string-width',
    'strip-ansi',
    'v8',
    'v8-rawmem.node',
  ])
  const { subject } = JSON.parse(readFileSync(documentsOf(tarball).statement, 'utf8'))
  // What npm asks of a statement that it is to publish with a package.
  t.is(subject[0].name, metadata.component.purl)
  t.is(subject[0].digest.sha512, sha512(readFileSync(tarball)))

  const origin = { project: made.project, commit }
  const folder = join(dirname(tarball), 'package')
  await writeTarballDocuments(tarball, folder, { ...origin, snapshot: true })
  t.regex((await check(tarball, made)).join('\n'), /snapshot: is true, should be false/)
  await writeTarballDocuments(tarball, folder, origin)
  const other = await checkArtifact(tarball, { ...made, commit: 'f'.repeat(40) })
  t.regex(other.join('\n'), /sources › digest › gitCommit: is "0123\w+", should be "ffff/)
  flip(tarball, readFileSync(tarball).length >> 1)
  t.not((await check(tarball, made)).length, 0)
})

test('a package does not pass when an addon in it has no documents', async (t) => {
  const made = project(t)
  rmSync(documentsOf(made.addon).bill)
  const manifest = { name: 'demo', version: '1.2.3', license: 'MIT' }
  const tarball = await packPackage(t, made, manifest)
  t.deepEqual(await check(tarball, made), [
    'pkg:npm/demo@1.2.3: no licence of it is named',
    'v8-rawmem.node.cdx.json is not there',
  ])
})

test('a link in a package does not stand for an addon', async (t) => {
  const made = project(t)
  const addon = join(temporaryFolder(t), 'elsewhere.node')
  renameSync(made.addon, addon)
  symlinkSync(addon, made.addon)
  const tarball = await packPackage(t, made, { name: 'demo', version: '1.2.3', license: 'MIT' })
  t.regex((await check(tarball, made)).join('\n'), /v8-rawmem\.node is not there/)
})

test('a package that needs what package-lock.json does not have is refused', async (t) => {
  const made = project(t)
  const manifest = {
    name: 'demo',
    version: '1.2.3',
    license: 'MIT',
    dependencies: { 'no-such': '1' },
  }
  await t.throwsAsync(packPackage(t, made, manifest), {
    message: 'package-lock.json does not have no-such.',
  })
})

test('the command says what is wrong, and ends with 1', async (t) => {
  const made = project(t)
  const script = join(repository, 'build-scripts/verify-provenance.ts')
  const run = (...args: string[]) => {
    try {
      const stdio: 'pipe'[] = ['pipe', 'pipe', 'pipe']
      const options = { cwd: repository, encoding: 'utf8' as const, stdio }
      return {
        code: 0,
        said: execFileSync(process.execPath, [...typescript, script, ...args], options),
      }
    } catch (error) {
      const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string }
      return { code: status, said: stdout + stderr }
    }
  }
  const good = run(made.addon)
  t.deepEqual(good, { code: 0, said: `ok      ${made.addon}\n` })
  flip(made.addon, 0)
  const bad = run(made.addon)
  t.is(bad.code, 1)
  t.regex(bad.said, /^wrong {3}.*v8-rawmem\.node\n {8}manifest\.json: engine › sha256: is/)
  t.regex(bad.said, /error: 1 of 1 artifacts is not what/)
  const none = run('/no/such.node')
  t.is(none.code, 1)
  t.regex(none.said, /\/no\/such\.node is not there/)
  t.regex(run('--help').said, /Usage: npm run verify:provenance/)
})
