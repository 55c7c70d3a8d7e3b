import { readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { findPrebuildProblems } from '../../build-scripts/bind/check-addon.ts'
import { newerSymbols } from '../../build-scripts/bind/older-glibc.ts'
import { inspectAddon } from '../../build-scripts/bind/prebuild.ts'
import {
  addonNames,
  readPrebuildManifest,
  writePrebuildManifest,
} from '../../build-scripts/bind/prebuild-manifest.ts'
import { documentsOf } from '../../build-scripts/provenance/documents.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const folder = join(repository, 'prebuilds/linux-x64')

test('the prebuilds, their manifest and their documents go with these sources, this lock file and these patches', async (t) => {
  t.deepEqual(
    await findPrebuildProblems(repository, folder),
    [],
    'stale prebuild: run "npm run v8 -- all && npm run build:binding"',
  )
})

test('the bytes of the manifest do not depend on which addon was made last', async (t) => {
  const other = temporaryFolder(t)
  const { schema, engine, node } = (await readPrebuildManifest(folder))!
  const turned = Object.fromEntries(Object.entries(engine!).reverse()) as typeof engine
  await writePrebuildManifest(other, { node, engine: turned, schema })
  t.is(
    readFileSync(join(other, 'manifest.json'), 'utf8'),
    readFileSync(join(folder, 'manifest.json'), 'utf8'),
  )
})

for (const kind of ['engine', 'node'] as const) {
  const path = join(folder, addonNames[kind])

  test(`${addonNames[kind]} shows and seeks no symbol but those of Node-API and the system`, async (t) => {
    await t.notThrowsAsync(inspectAddon(path))
  })

  test(`${addonNames[kind]} seeks nothing that the oldest glibc does not have`, async (t) => {
    t.deepEqual(await newerSymbols(path), [])
  })
}

for (const kind of ['engine', 'node'] as const) {
  const path = join(folder, addonNames[kind])

  test(`every component of ${addonNames[kind]} has its licence beside it`, (t) => {
    const { components } = JSON.parse(readFileSync(documentsOf(path).bill, 'utf8')) as {
      components: { name: string; externalReferences: { type: string; url: string }[] }[]
    }
    const names = components.map(({ name }) => name)
    const system = ['libstdc++', 'libgcc', 'glibc']
    const v8 = kind === 'engine' ? ['v8', 'absl', 'highway', 'simdutf'] : []
    for (const name of [...system, 'node-api-headers', ...v8]) {
      t.true(names.includes(name), `${name} is not in the bill of materials`)
    }
    for (const { name, externalReferences } of components) {
      const licences = externalReferences.filter(({ type }) => type === 'license')
      t.not(licences.length, 0, `no licence of ${name} is named`)
      for (const { url } of licences) {
        t.true(statSync(join(folder, decodeURI(url))).size > 100, `${url} is hardly a licence`)
      }
    }
  })
}
