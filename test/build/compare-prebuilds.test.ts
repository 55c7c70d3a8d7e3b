import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { prebuildSchema } from '../../build-scripts/bind/prebuild-manifest.ts'
import { writeBill } from '../../build-scripts/provenance/bill-of-materials.ts'
import { component } from '../../build-scripts/provenance/component.ts'
import { sha256 } from '../../build-scripts/shared/hash.ts'
import {
  comparePrebuilds,
  differentToolchains,
} from '../../build-scripts/verify/compare-prebuilds.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

function folders(t: ExecutionContext, files: Record<string, string>): string {
  const root = temporaryFolder(t)
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  return root
}

test('files of the same bytes, changed ones, missing ones and new ones are told apart', async (t) => {
  const root = folders(t, {
    'here/linux-x64/same': 'a',
    'here/linux-x64/changed': 'b',
    'here/linux-x64/missing': 'c',
    'here/other-platform/addon': 'd',
    'built/linux-x64/same': 'a',
    'built/linux-x64/changed': 'B',
    'built/linux-x64/new': 'e',
  })
  t.deepEqual(await comparePrebuilds(join(root, 'here'), join(root, 'built')), [
    { file: 'linux-x64/changed', expected: sha256('b'), found: sha256('B') },
    { file: 'linux-x64/missing', expected: sha256('c'), found: undefined },
    { file: 'linux-x64/new', expected: undefined, found: sha256('e') },
    { file: 'linux-x64/same', expected: sha256('a'), found: sha256('a') },
  ])
})

test('a build that made nothing compares nothing', async (t) => {
  const root = folders(t, { 'here/linux-x64/addon': 'a' })
  t.deepEqual(await comparePrebuilds(join(root, 'here'), join(root, 'built')), [])
})

const manifest = (compiler: string, libstdcxx: string) => {
  const made = { sources: '', compiler, libraries: { 'libstdc++': libstdcxx }, size: 1, sha256: '' }
  const engine = { ...made, v8: '', lock: '', patches: [], modified: false, sdk: '' }
  return JSON.stringify({ schema: prebuildSchema, engine })
}

test('machines with other compilers or libraries are told apart', async (t) => {
  const root = folders(t, {
    'here/linux-x64/manifest.json': manifest('clang 22.1.8', '12'),
    'same/linux-x64/manifest.json': manifest('clang 22.1.8', '12'),
    'other/linux-x64/manifest.json': manifest('clang 22.1.8', '14'),
  })
  t.deepEqual(await differentToolchains(join(root, 'here'), join(root, 'same')), [])
  t.deepEqual(await differentToolchains(join(root, 'here'), join(root, 'other')), [
    'linux-x64/v8-rawmem.node was made with libstdc++ 12; here is libstdc++ 14.',
  ])
})

test('machines that link other files of one version of a library are told apart', async (t) => {
  const bill = async (archive: string) =>
    await writeBill({
      artifact: component({ ref: 'addon', name: 'addon', licence: 'BSD-3-Clause' }),
      components: [
        component({
          ref: 'libgcc',
          name: 'libgcc',
          version: '12.2.0-14',
          licence: 'GPL-3.0-or-later WITH GCC-exception-3.1',
          files: [{ name: 'libgcc.a', sha256: sha256(archive) }],
        }),
      ],
      licences: 'licences/',
    })
  const root = folders(t, {
    'here/linux-x64/manifest.json': manifest('clang 22.1.8', '12'),
    'here/linux-x64/v8-rawmem.node.cdx.json': await bill('one'),
    'other/linux-x64/manifest.json': manifest('clang 22.1.8', '12'),
    'other/linux-x64/v8-rawmem.node.cdx.json': await bill('two'),
  })
  const [one, two] = ['one', 'two'].map((archive) => sha256(archive).slice(0, 12))
  t.deepEqual(await differentToolchains(join(root, 'here'), join(root, 'other')), [
    `linux-x64/v8-rawmem.node was made with linked libgcc 12.2.0-14 (libgcc.a ${one}…); here is linked libgcc 12.2.0-14 (libgcc.a ${two}…).`,
  ])
})
