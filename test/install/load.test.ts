// What users are told where the addons cannot be loaded, by the compiled package in a project.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { oldestGlibc } from '../../bindings/addon/platform.ts'
import { installPackage, prebuilds, put } from './installed-package.ts'

const engine = readFileSync(join(prebuilds, 'v8-rawmem.node'))
const small = readFileSync(join(prebuilds, 'v8-rawmem-node.node'))
const manifest = readFileSync(join(prebuilds, 'package.json'), 'utf8')

/** The same, but for the newest version of the C library that it asks for. */
function askForNewerGlibc(addon: Buffer): Buffer {
  const changed = Buffer.from(addon)
  const at = changed.indexOf(`\0GLIBC_${oldestGlibc}\0`)
  changed.write('GLIBC_9.28', at + 1, 'latin1')
  return changed
}

test("the platform's package is found", async (t) => {
  const { platform, evaluate } = installPackage(t)
  put(platform, { 'package.json': manifest, 'v8-rawmem.node': engine })
  const { stdout, stderr } = await evaluate('rawmem.openBackend().name')
  t.is(stdout, 'patched\n', stderr)
})

test('without it, the error says how to come by it', async (t) => {
  const { stderr } = await installPackage(t).evaluate('')
  t.regex(
    stderr,
    /v8-rawmem: the package @v8-rawmem\/linux-x64, which has the binding for this platform, is not installed\./,
  )
  t.regex(stderr, /npx v8-rawmem install/)
  t.regex(stderr, /npm run build:binding -- --node-backends/)
})

test('the command that mends it is for the package manager that runs the program', async (t) => {
  const { evaluate } = installPackage(t)
  for (const [npm_config_user_agent, command] of [
    ['npm/11.4.2 node/v24.3.0 linux x64', 'npx v8-rawmem install'],
    ['pnpm/10.34.5 npm/? node/v24.3.0 linux x64', 'pnpm exec v8-rawmem install'],
    ['yarn/4.9.2 npm/? node/v24.3.0 linux x64', 'yarn v8-rawmem install'],
  ]) {
    const { stderr } = await evaluate('', { npm_config_user_agent })
    t.true(stderr.includes(`To fetch it now:\n    ${command}\n`), stderr)
  }
})

test('an older C library than the addons need is named, and the version they need', async (t) => {
  const { platform, evaluate } = installPackage(t)
  put(platform, { 'package.json': manifest, 'v8-rawmem.node': askForNewerGlibc(engine) })
  const { stderr } = await evaluate('')
  t.regex(
    stderr,
    /the C library here, glibc \d+\.\d+, is too old: the binding needs 9\.28\.\n.*\n {2}Use a newer system/,
  )
})

test('a damaged addon is named, and how to replace it', async (t) => {
  const { platform, evaluate } = installPackage(t)
  put(platform, { 'package.json': manifest, 'v8-rawmem.node': 'no addon' })
  const { stderr } = await evaluate('')
  t.regex(stderr, /the binding .*v8-rawmem\.node cannot be loaded: /)
  t.regex(stderr, /If the file is damaged, fetch it anew:\n {4}npx v8-rawmem install/)
})

test('a package of another version is not taken', async (t) => {
  const { platform, evaluate } = installPackage(t)
  const other = manifest.replace(/"version": ".*"/, '"version": "99.0.0"')
  put(platform, { 'package.json': other, 'v8-rawmem-node.node': small })
  const { stderr } = await evaluate('')
  t.regex(
    stderr,
    /@v8-rawmem\/linux-x64 in .* is version 99\.0\.0, but this is v8-rawmem \d+\.\d+\.\d+/,
  )
})

test('a folder of fetched addons whose package.json is damaged is not taken', async (t) => {
  const { folder, evaluate } = installPackage(t)
  const own = join(folder, 'prebuilds', 'linux-x64')
  put(own, { 'package.json': manifest.slice(0, 50), 'v8-rawmem-node.node': small })
  const { stderr } = await evaluate('')
  t.regex(
    stderr,
    /v8-rawmem: @v8-rawmem\/linux-x64 in .* is version unknown \(its package\.json is damaged\), but/,
  )
  t.regex(stderr, /npx v8-rawmem install/)
})

test('V8_RAWMEM_BINDING decides, and its errors name it', async (t) => {
  const { folder, evaluate } = installPackage(t)
  const path = join(folder, 'chosen.node')
  put(folder, { 'chosen.node': small })
  const chosen = await evaluate("rawmem.openBackend('node-rewire').name", {
    V8_RAWMEM_BINDING: path,
  })
  t.is(chosen.stdout, 'node-rewire\n', chosen.stderr)
  const missing = await evaluate('', { V8_RAWMEM_BINDING: `${path}.not` })
  t.regex(missing.stderr, /V8_RAWMEM_BINDING names a file that does not exist: .*chosen\.node\.not/)
  put(folder, { 'chosen.node': 'no addon' })
  const damaged = await evaluate('', { V8_RAWMEM_BINDING: path })
  t.regex(damaged.stderr, /the binding .*chosen\.node cannot be loaded: .*\n.*\n {2}Correct V8_R/)
})
