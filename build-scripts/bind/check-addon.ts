import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { checkDocuments, jsonDifferences } from '../provenance/documents.ts'
import type { V8Inputs } from '../provenance/statement.ts'
import { sha256OfFile } from '../shared/hash.ts'
import { hashPin, loadPin, lockName, readSeries } from '../shared/pin.ts'
import { claimOfAddon } from './describe-prebuild.ts'
import { addonNames, readPrebuildManifest } from './prebuild-manifest.ts'
import { sourceHash } from './source-hash.ts'

/** What a prebuild has that a build of this checkout would not have; empty when it is the one that belongs to it. */
export async function findPrebuildProblems(project: string, folder: string): Promise<string[]> {
  const checked = await Promise.all(
    Object.values(addonNames).map((name) => checkAddon(join(folder, name), project)),
  )
  return [...new Set(checked.flat())]
}

/** An addon in a folder with its manifest and its licences, such as prebuilds/linux-x64. */
export async function checkAddon(addon: string, project: string): Promise<string[]> {
  const [folder, name] = [dirname(addon), basename(addon)]
  const manifest = await readPrebuildManifest(folder)
  const engine = name === addonNames.engine ? manifest?.engine : undefined
  const entry = engine ?? (name === addonNames.node ? manifest?.node : undefined)
  if (!entry) return [`${join(folder, 'manifest.json')} is not there, not valid, or lacks ${name}`]
  if (!existsSync(addon)) return [`${addon} is not there`]

  const sources = await sourceHash(project)
  const v8 = engine && {
    ...(await v8InputsOf(project)),
    sdk: engine.sdk,
    modified: false,
  }
  const expected = {
    ...entry,
    sources,
    size: (await stat(addon)).size,
    sha256: await sha256OfFile(addon),
    ...(v8 && {
      v8: v8.pin.v8.version,
      lock: hashPin(v8.pin),
      patches: v8.patches.map(({ name, sha256 }) => ({ name, sha256 })),
      modified: false,
    }),
  }
  return [
    ...jsonDifferences(expected, entry, `manifest.json: ${engine ? 'engine' : 'node'}`),
    ...(await checkDocuments(addon, folder, ({ components }) => {
      const { compiler, libraries } = entry
      return claimOfAddon(project, {
        ...{ name, sources, compiler, libraries, components },
        ...(v8 && { v8 }),
      })
    })),
  ]
}

/** What decides the V8 that a build of this checkout would have. */
export async function v8InputsOf(project: string): Promise<V8Inputs> {
  const pin = await loadPin(project)
  const { patches } = await readSeries(project, pin)
  return { pin, lock: await sha256OfFile(join(project, lockName)), patches }
}
