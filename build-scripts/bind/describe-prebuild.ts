import { copyFile, mkdir, readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { glob } from 'zx'
import { sdkSources } from '../package/sdk-files.ts'
import { readSdkManifest } from '../package/sdk-manifest.ts'
import { loadPin, lockName } from '../pin.ts'
import { readBill } from '../provenance/bill-of-materials.ts'
import { component, hashTexts, mergeComponents } from '../provenance/component.ts'
import { claimOfAddon } from '../provenance/describe-addon.ts'
import { documentsOf, writeDocuments } from '../provenance/documents.ts'
import { requirePermitted } from '../provenance/permitted-licences.ts'
import { warn } from '../terminal.ts'
import { addonParts } from './addon-components.ts'
import { addonNames, type EngineAddon, type NodeAddon } from './prebuild-manifest.ts'

/** Where the licences of all that is in the addons lie beside them. */
const licencesFolder = 'licences/'

interface Built {
  readonly project: string
  /** Where the addon is to be. */
  readonly addon: string
  /** What the manifest is to say of it. */
  readonly entry: NodeAddon | EngineAddon
  /** The files of the system that are linked into it. */
  readonly linked: readonly string[]
  readonly sdk: string | undefined
}

/** Writes the documents of an addon, and the licences of what is in it, beside it. */
export async function describePrebuild({
  project,
  addon,
  entry,
  linked,
  sdk,
}: Built): Promise<void> {
  const name = basename(addon)
  const folder = dirname(addon)
  const { parts, direct } = await addonParts(project, linked, sdk)
  const components = mergeComponents(parts.map((part) => part.component))
  requirePermitted(components)
  const own = new Map(['LICENSE', 'LICENSE.v8'].map((path) => [path, join(project, path)]))
  for (const [path, file] of [...own, ...parts.flatMap((part) => [...part.licences])]) {
    const target = join(folder, licencesFolder, path)
    await mkdir(dirname(target), { recursive: true })
    await copyFile(file, target)
  }
  for (const { ref, texts } of components) {
    if (texts.length > 0) continue
    warn(`no licence of ${ref} was found on this system, so ${licencesFolder} lacks it`)
  }
  await writeDocuments(addon, {
    bill: {
      artifact: component({
        ref: name,
        name,
        licence: 'BSD-3-Clause',
        texts: await hashTexts(own),
        digests: { sha256: entry.sha256 },
        needs: [...direct],
      }),
      components,
      licences: licencesFolder,
    },
    claim: await claimOfAddon(project, {
      name,
      sources: entry.sources,
      compiler: entry.compiler,
      libraries: entry.libraries,
      components,
      ...(sdk && 'v8' in entry && { v8: await v8InputsOf(sdk, entry) }),
    }),
  })
  await removeOtherLicences(folder)
}

/** What the SDK was made of, which may be other than what is in the project. */
async function v8InputsOf(sdk: string, { patches, sdk: hash, modified }: EngineAddon) {
  const sources = join(sdk, sdkSources)
  const { files } = await readSdkManifest(sdk)
  const lock = files[`${sdkSources}${lockName}`]!
  return { pin: await loadPin(sources), lock, patches, sdk: hash, modified }
}

/** Removes the licences that neither addon's bill of materials names. */
async function removeOtherLicences(folder: string): Promise<void> {
  const named = new Set<string>()
  for (const addon of Object.values(addonNames)) {
    const { bill: path } = documentsOf(join(folder, addon))
    const text = await readFile(path, 'utf8').catch(() => undefined)
    if (text === undefined) continue
    const { artifact, components } = await readBill(text, path)
    for (const { texts } of [artifact, ...components]) {
      for (const { path: licence } of texts) named.add(licence)
    }
  }
  for (const path of await glob('**', { cwd: join(folder, licencesFolder) })) {
    if (!named.has(path)) await rm(join(folder, licencesFolder, path))
  }
}
