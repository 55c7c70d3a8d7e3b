import { join } from 'node:path'
import { canonicalJson, sha256OfFile } from '../hash.ts'
import { hashPin, loadPin } from '../pin.ts'
import { readSeries } from '../series.ts'
import { addonNames, readPrebuildManifest } from './prebuild-manifest.ts'
import { sourceHash } from './source-hash.ts'

/** What a prebuild has that a build of this checkout would not have; empty when it is the one that belongs to it. */
export async function findPrebuildProblems(project: string, folder: string): Promise<string[]> {
  const manifest = await readPrebuildManifest(folder)
  if (!manifest?.engine || !manifest.node) {
    return ['its manifest.json is missing or not valid, or does not have both addons']
  }
  const { engine } = manifest
  const pin = await loadPin(project)
  const { patches } = await readSeries(project, pin)
  const sources = await sourceHash(project)
  const applied = patches.map(({ name, sha256 }) => ({ name, sha256 }))
  const problems: string[] = []
  if (engine.v8 !== pin.v8.version) {
    problems.push(`its V8 is ${engine.v8}, but v8.lock.json names ${pin.v8.version}`)
  }
  if (engine.lock !== hashPin(pin)) problems.push('it was built from another v8.lock.json')
  if (canonicalJson(engine.patches) !== canonicalJson(applied)) {
    problems.push('it was built with other patches')
  }
  if (engine.modified) problems.push('its V8 has changes that are in no patch')
  for (const [kind, name] of Object.entries(addonNames) as [keyof typeof addonNames, string][]) {
    const { sources: builtFrom, sha256 } = manifest[kind]!
    if (builtFrom !== sources) problems.push(`${name} was built from other sources of the binding`)
    if ((await sha256OfFile(join(folder, name)).catch(() => undefined)) !== sha256) {
      problems.push(`${name} is not the file that manifest.json describes`)
    }
  }
  return problems
}
