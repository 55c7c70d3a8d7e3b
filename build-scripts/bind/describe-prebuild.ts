import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { glob } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { sdkLicences, sdkSources } from '../package/sdk-files.ts'
import { readSdkManifest } from '../package/sdk-manifest.ts'
import { readBill } from '../provenance/bill-of-materials.ts'
import {
  type Component,
  component,
  hashTexts,
  type LicensedComponent,
  mergeComponents,
  withLicences,
} from '../provenance/component.ts'
import { documentsOf, writeDocuments } from '../provenance/documents.ts'
import { LockedPackages } from '../provenance/npm-packages.ts'
import { requirePermitted } from '../provenance/permitted-licences.ts'
import {
  type Claim,
  linkedDependencies,
  toolDependencies,
  type V8Inputs,
  v8Dependencies,
  v8InputsOf,
} from '../provenance/statement.ts'
import { linkedComponents } from '../provenance/system-libraries.ts'
import { put } from '../shared/files.ts'
import { warn } from '../shared/terminal.ts'
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
  /** The SDK that the addon with V8 inside was linked against. */
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
  const direct = [...(await linkedComponents(linked)), ...(await packagesOfHeaders(project))]
  // What the linker took is known better than the same thing by its headers, so it comes first.
  const parts = [...direct, ...(sdk ? await partsOfSdk(sdk) : [])]
  const components = mergeComponents(parts.map((part) => part.component))
  requirePermitted(components)
  const own = new Map(['LICENSE', 'LICENSE.v8'].map((path) => [path, join(project, path)]))
  for (const [path, file] of [...own, ...parts.flatMap((part) => [...part.licences])]) {
    await put(file, join(folder, licencesFolder, path))
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
        needs: [...direct.map((part) => part.component.ref), ...(sdk ? ['v8'] : [])].sort(),
      }),
      components,
      licences: licencesFolder,
    },
    claim: await claimOfAddon(project, {
      ...entry,
      name,
      components,
      // Its V8 may be made of other sources than are in the project.
      ...(sdk &&
        'v8' in entry && { engine: { ...entry, ...(await v8InputsOf(join(sdk, sdkSources))) } }),
    }),
  })
  await removeOtherLicences(folder)
}

/** Removes the licences that neither addon's bill of materials names. */
async function removeOtherLicences(folder: string): Promise<void> {
  const named = new Set<string>()
  for (const addon of Object.values(addonNames)) {
    const { bill: path } = documentsOf(join(folder, addon))
    if (!existsSync(path)) continue
    const { artifact, components } = await readBill(await readFile(path, 'utf8'), path)
    for (const { texts } of [artifact, ...components]) {
      for (const { path: licence } of texts) named.add(licence)
    }
  }
  for (const path of await glob('**', { cwd: join(folder, licencesFolder) })) {
    if (!named.has(path)) await rm(join(folder, licencesFolder, path))
  }
}

async function packagesOfHeaders(project: string): Promise<LicensedComponent[]> {
  const locked = await LockedPackages.read(project)
  return await Promise.all(
    headerPackages.map(async (name) => {
      const folder = join(project, 'node_modules', name)
      const file = ['LICENSE', 'LICENSE.md'].find((candidate) =>
        existsSync(join(folder, candidate)),
      )
      if (!file) {
        throw new AdvisedError(
          `There is no licence in ${folder}.`,
          'Install what is missing: npm ci',
        )
      }
      const licences = new Map([[`npm/${name}/${file}`, join(folder, file)]])
      return await withLicences(locked.component(name), licences)
    }),
  )
}

async function partsOfSdk(folder: string): Promise<LicensedComponent[]> {
  const { components } = await readSdkManifest(folder)
  return components.map((component) => ({
    component,
    licences: new Map(component.texts.map(({ path }) => [path, join(folder, sdkLicences, path)])),
  }))
}

/** The packages whose headers are compiled into the addons. */
export const headerPackages = ['node-api-headers'] as const

/** What decides an addon's bytes. */
interface AddonInputs extends Pick<NodeAddon, 'sources' | 'compiler' | 'libraries'> {
  readonly name: string
  /** What is in it. */
  readonly components: readonly Component[]
  /** For the addon with V8 inside. */
  readonly engine?: V8Inputs & Pick<EngineAddon, 'sdk' | 'modified'>
}

/** How an addon was made; the packages whose headers it includes are those that the project's package-lock.json pins. */
export async function claimOfAddon(project: string, inputs: AddonInputs): Promise<Claim> {
  const { name, sources, components, engine } = inputs
  const locked = await LockedPackages.read(project)
  return {
    kind: 'addon',
    parameters: {
      addon: name,
      ...(engine && { v8: engine.pin.v8.version, modified: engine.modified }),
    },
    dependencies: [
      { name: 'sources of the binding', digest: { sha256: sources } },
      ...(engine ? [{ name: 'manifest.json of the SDK', digest: { sha256: engine.sdk } }] : []),
      ...(engine ? v8Dependencies(engine) : []),
      ...headerPackages.map((header) => {
        const { name, purl, digests } = locked.component(header)
        return { name, uri: purl!, digest: digests }
      }),
      ...toolDependencies(inputs),
      ...linkedDependencies(components),
    ],
  }
}
