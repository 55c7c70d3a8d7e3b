import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { inspectAddon } from '../../build-scripts/bind/inspect-addon.ts'
import { addonNames, readPrebuildManifest } from '../../build-scripts/bind/prebuild-manifest.ts'
import { findPrebuildProblems } from '../../build-scripts/bind/prebuild-problems.ts'
import { sha256 } from '../../build-scripts/hash.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const folder = join(repository, 'prebuilds/linux-x64')

test('the prebuilds were made from these sources, this lock file and these patches', async (t) => {
  t.deepEqual(
    await findPrebuildProblems(repository, folder),
    [],
    'stale prebuild: run "npm run v8 -- all && npm run build:binding"',
  )
})

for (const kind of ['engine', 'node'] as const) {
  const path = join(folder, addonNames[kind])

  test(`${addonNames[kind]} is the file that the manifest describes`, async (t) => {
    const entry = (await readPrebuildManifest(folder))?.[kind]
    const addon = readFileSync(path)
    t.is(entry?.size, addon.length)
    t.is(entry?.sha256, sha256(addon))
  })

  test(`${addonNames[kind]} shows and seeks no symbol but those of Node-API and the system`, async (t) => {
    await t.notThrowsAsync(inspectAddon(path))
  })
}
