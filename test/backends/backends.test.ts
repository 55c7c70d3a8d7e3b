import { execFile } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import { backends, openBackend } from 'v8-rawmem'
import { compilePackage } from '../support/compiled-package.ts'
import { runScript } from '../support/run-script.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const run = promisify(execFile)
const project = fileURLToPath(new URL('../..', import.meta.url))
const smallAddon = join(
  project,
  'prebuilds',
  `${process.platform}-${process.arch}`,
  'v8-rawmem-node.node',
)

async function print(env: Record<string, string>) {
  const script = new URL('./print-backend.ts', import.meta.url)
  const { stdout, stderr, exitCode } = await runScript(script, { env })
  return { found: exitCode === 0 ? JSON.parse(stdout) : undefined, stderr }
}

test('backends() lists all backends, with a reason each', (t) => {
  const list = backends()
  t.deepEqual(
    list.map(({ name }) => name),
    ['patched', 'node-raw', 'node-rewire'],
  )
  for (const { available, reason } of list) {
    t.is(typeof available, 'boolean')
    t.true(reason.length > 0)
  }
})

test('a backend is opened once, and cannot be changed', (t) => {
  const backend = openBackend('node-rewire')
  t.is(openBackend('node-rewire'), backend)
  t.is(backend.name, 'node-rewire')
  t.true(Object.isFrozen(backend))
  t.not(openBackend('patched').WebAssembly, backend.WebAssembly)
})

test('a name that is none is refused, and the names that are said', (t) => {
  for (const name of ['node', '', 1, null, {}]) {
    t.throws(() => openBackend(name as never), {
      instanceOf: TypeError,
      message: /^name must be one of 'patched', 'node-raw', 'node-rewire'; got /,
    })
  }
})

test('without a choice, patched is behind the plain exports', async (t) => {
  const { found, stderr } = await print({ V8_RAWMEM_BACKEND: '' })
  t.like(found, { name: 'patched', same: true, addon: 'v8-rawmem.node' }, stderr)
  t.not(found.v8, process.versions.v8)
})

for (const name of ['node-raw', 'node-rewire']) {
  test(`V8_RAWMEM_BACKEND=${name} is behind the plain exports, and needs no second V8`, async (t) => {
    const { found, stderr } = await print({ V8_RAWMEM_BACKEND: name, V8_RAWMEM_BINDING: '' })
    t.deepEqual(
      found,
      { name, same: true, addon: 'v8-rawmem-node.node', v8: process.versions.v8 },
      stderr,
    )
  })
}

test('the addon without V8 says what it cannot do', async (t) => {
  if (!existsSync(smallAddon)) {
    return t.fail(`${smallAddon} is missing: npm run build:binding -- --node-backends`)
  }
  const chosen = await print({ V8_RAWMEM_BINDING: smallAddon, V8_RAWMEM_BACKEND: '' })
  t.regex(chosen.found?.name, /^node-/, chosen.stderr)
  const { found, stderr } = await print({
    V8_RAWMEM_BINDING: smallAddon,
    V8_RAWMEM_BACKEND: 'patched',
  })
  t.is(found, undefined)
  t.regex(
    stderr,
    /V8_RAWMEM_BACKEND: the backend 'patched' is not available: V8_RAWMEM_BINDING names a binding without V8: .*; available: .*'node-rewire'/,
  )
})

test('V8_RAWMEM_BACKEND with a name that is none fails when the package is imported', async (t) => {
  const { stderr } = await print({ V8_RAWMEM_BACKEND: 'rewire' })
  t.regex(
    stderr,
    /TypeError: V8_RAWMEM_BACKEND must be one of 'patched', 'node-raw', 'node-rewire'; got 'rewire'/,
  )
})

/**
 * Puts the package, compiled, into a folder of its own, without the platform's package, with these addons in prebuilds/, and evaluates
 * an expression over it.
 */
async function inPackage(
  t: ExecutionContext,
  addons: Record<string, string>,
  expression: string,
): Promise<string> {
  const folder = temporaryFolder(t)
  symlinkSync(join(project, 'package.json'), join(folder, 'package.json'))
  mkdirSync(join(folder, 'node_modules'))
  for (const name of readdirSync(join(project, 'node_modules'))) {
    if (name === '@v8-rawmem') continue
    symlinkSync(join(project, 'node_modules', name), join(folder, 'node_modules', name))
  }
  const prebuilds = join(folder, 'prebuilds', `${process.platform}-${process.arch}`)
  if (Object.keys(addons).length > 0) mkdirSync(prebuilds, { recursive: true })
  for (const [name, path] of Object.entries(addons)) symlinkSync(path, join(prebuilds, name))
  cpSync(compilePackage().dist, join(folder, 'dist'), { recursive: true })
  const { stdout } = await run(
    process.execPath,
    [
      '-p',
      `const rawmem = require(${JSON.stringify(join(folder, 'dist', 'bindings', 'index.js'))}); ${expression}`,
    ],
    { env: { ...process.env, V8_RAWMEM_BINDING: '', V8_RAWMEM_BACKEND: '' } },
  )
  return stdout.trim()
}

test('require() can load the built package, which has no top-level await', async (t) => {
  const name = await inPackage(
    t,
    { 'v8-rawmem-node.node': smallAddon },
    "rawmem.openBackend('node-rewire').name",
  )
  t.is(name, 'node-rewire')
})

test('where the addon with V8 cannot be loaded, the one without is taken', async (t) => {
  const found = await inPackage(
    t,
    { 'v8-rawmem-node.node': smallAddon, 'v8-rawmem.node': fileURLToPath(import.meta.url) },
    'JSON.stringify([rawmem.openBackend().name, rawmem.backends()[0]])',
  )
  const [name, patched] = JSON.parse(found)
  t.regex(name, /^node-/)
  t.false(patched.available)
  t.regex(patched.reason, /the binding .*v8-rawmem\.node cannot be loaded: /)
})

test('where there is no addon, the error says what to do', async (t) => {
  const { stderr } = await t.throwsAsync<Error & { stderr: string }>(inPackage(t, {}, ''))
  t.regex(
    stderr,
    /v8-rawmem: the package @v8-rawmem\/.*, which has the binding for this platform, is not installed\./,
  )
  t.regex(stderr, /npx v8-rawmem install/)
  t.regex(stderr, /npm run build:binding -- --node-backends/)
})
