import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test from 'ava'
import { inspectAddon } from '../../build-scripts/bind/inspect-addon.ts'
import { readPrebuildManifest } from '../../build-scripts/bind/prebuild-manifest.ts'
import { sourceHash } from '../../build-scripts/bind/source-hash.ts'
import { sha256 } from '../../build-scripts/hash.ts'
import { hashPin, loadPin } from '../../build-scripts/pin.ts'
import { readSeries } from '../../build-scripts/series.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const folder = join(repository, 'prebuilds/linux-x64')
const rebuild = 'stale prebuild: run "npm run v8 -- all && npm run build:binding"'

test('the prebuild was made from these sources, this lock file and these patches', async (t) => {
  const manifest = await readPrebuildManifest(folder)
  if (!manifest) return t.fail('prebuilds/linux-x64/manifest.json is missing or not valid')
  const pin = await loadPin(repository)
  const { patches } = await readSeries(repository, pin)
  t.is(manifest.v8, pin.v8.version, rebuild)
  t.is(manifest.sources, await sourceHash(), rebuild)
  t.is(manifest.lock, hashPin(pin), rebuild)
  t.deepEqual(
    manifest.patches,
    patches.map(({ name, sha256: hash }) => ({ name, sha256: hash })),
    rebuild,
  )
  t.false(manifest.modified, 'the prebuild has changes that are in no patch')
})

test('the prebuild is the file its manifest describes', async (t) => {
  const manifest = await readPrebuildManifest(folder)
  const addon = readFileSync(join(folder, 'v8-rawmem.node'))
  t.is(manifest?.size, addon.length)
  t.is(manifest?.sha256, sha256(addon))
})

test('the prebuild shows and seeks no symbol but those of Node-API and the system', async (t) => {
  await t.notThrowsAsync(inspectAddon(join(folder, 'v8-rawmem.node')))
})
