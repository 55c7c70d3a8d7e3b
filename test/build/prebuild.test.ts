import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { inspectAddon } from '../../build-scripts/bind/inspect-addon.ts'
import { addonNames, readPrebuildManifest } from '../../build-scripts/bind/prebuild-manifest.ts'
import { sourceHash } from '../../build-scripts/bind/source-hash.ts'
import { sha256 } from '../../build-scripts/hash.ts'
import { hashPin, loadPin } from '../../build-scripts/pin.ts'
import { readSeries } from '../../build-scripts/series.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const folder = join(repository, 'prebuilds/linux-x64')
const rebuild = 'stale prebuild: run "npm run v8 -- all && npm run build:binding"'

test('the prebuilds were made from these sources, this lock file and these patches', async (t) => {
  const manifest = await readPrebuildManifest(folder)
  if (!manifest?.engine || !manifest.node) {
    return t.fail(`prebuilds/linux-x64/manifest.json is missing or not valid; ${rebuild}`)
  }
  const { engine, node } = manifest
  const pin = await loadPin(repository)
  const { patches } = await readSeries(repository, pin)
  t.is(engine.v8, pin.v8.version, rebuild)
  t.is(engine.sources, await sourceHash(), rebuild)
  t.is(node.sources, await sourceHash(), rebuild)
  t.is(engine.lock, hashPin(pin), rebuild)
  t.deepEqual(
    engine.patches,
    patches.map(({ name, sha256: hash }) => ({ name, sha256: hash })),
    rebuild,
  )
  t.false(engine.modified, 'the prebuild has changes that are in no patch')
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
