import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { checkDocuments, jsonDifferences } from '../provenance/documents.ts'
import { v8InputsOf } from '../provenance/statement.ts'
import { sha256OfFile } from '../shared/hash.ts'
import { hashPin } from '../shared/pin.ts'
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

  const inputs = await v8InputsOf(project)
  const expected = {
    ...entry,
    sources: await sourceHash(project),
    size: (await stat(addon)).size,
    sha256: await sha256OfFile(addon),
    ...(engine && {
      v8: inputs.pin.v8.version,
      lock: hashPin(inputs.pin),
      patches: inputs.patches.map(({ name, sha256 }) => ({ name, sha256 })),
      modified: false,
    }),
  }
  const ofManifest = jsonDifferences(
    expected,
    entry,
    `manifest.json: ${engine ? 'engine' : 'node'}`,
  )
  const ofDocuments = await checkDocuments(addon, folder, ({ components }) =>
    claimOfAddon(project, {
      ...expected,
      name,
      components,
      ...(engine && { engine: { ...engine, ...inputs, modified: false } }),
    }),
  )
  return [...ofManifest, ...ofDocuments]
}
