import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { glob } from 'zx'
import { addonNames, readPrebuildManifest } from '../bind/prebuild-manifest.ts'
import { sourceHash } from '../bind/source-hash.ts'
import { BuildError } from '../build-error.ts'
import { sha256OfFile } from '../hash.ts'
import { readSdkManifest } from '../package/sdk-manifest.ts'
import { hashPin, loadPin, lockName } from '../pin.ts'
import { readSeries } from '../series.ts'
import { checkDocuments } from './check-documents.ts'
import type { V8Inputs } from './dependencies.ts'
import { claimOfAddon } from './describe-addon.ts'
import { describeSdk } from './describe-sdk.ts'
import { describeTarball } from './describe-tarball.ts'
import { jsonDifferences } from './json-differences.ts'
import { withUnpacked } from './unpack.ts'

/** What artifacts are checked against. */
export interface Checkout {
  readonly project: string
  /** The commit that is checked out, when git knows. */
  readonly commit: string | undefined
}

/** Checks one artifact of any kind with its documents against a checkout. Returns what is wrong. */
export async function checkArtifact(artifact: string, checkout: Checkout): Promise<string[]> {
  try {
    return await checkByKind(artifact, checkout)
  } catch (error) {
    if (error instanceof BuildError) return [error.message]
    throw error
  }
}

async function checkByKind(artifact: string, checkout: Checkout): Promise<string[]> {
  const name = basename(artifact)
  if (name.endsWith('.node')) return await checkAddon(artifact, checkout.project)
  if (name.endsWith('.tar.zst')) return await checkSdk(artifact, checkout.project)
  if (name.endsWith('.tgz')) return await checkTarball(artifact, checkout)
  throw new BuildError(
    `${artifact} is none of the artifacts of this project.`,
    'Name an addon (*.node), an SDK (*.tar.zst) or a package of npm (*.tgz).',
  )
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
    ...(await checkDocuments(addon, {
      root: folder,
      describe: async ({ components }) => ({
        claim: await claimOfAddon(project, {
          name,
          sources,
          compiler: entry.compiler,
          libraries: entry.libraries,
          components,
          ...(v8 && { v8 }),
        }),
      }),
    })),
  ]
}

async function checkSdk(archive: string, project: string): Promise<string[]> {
  const wanted = (path: string) => path === 'manifest.json' || path.startsWith('share/')
  return await withUnpacked(archive, wanted, async (root) => {
    const manifest = await readSdkManifest(root).catch(() => undefined)
    if (!manifest) return [`${archive} has no manifest, or that of another version of the SDK`]
    return await checkDocuments(archive, {
      root,
      describe: async () => {
        const inputs = await v8InputsOf(project)
        const { args } = inputs.pin.build
        return await describeSdk(archive, { ...manifest, args, modified: false }, inputs)
      },
    })
  })
}

async function checkTarball(tarball: string, { project, commit }: Checkout): Promise<string[]> {
  if (commit === undefined) {
    throw new BuildError(
      `${project} is no git checkout, so nobody can say whether ${tarball} was made from it.`,
      'Clone the repository, check out the version, and verify there.',
    )
  }
  const all = () => true
  return await withUnpacked(tarball, all, async (root) => {
    const problems = await checkDocuments(tarball, {
      root,
      describe: async () => describeTarball(tarball, { project, commit }),
    })
    // The package's bill has what the addons' bills say; those have to be there, and true.
    const files = await glob('**/*.node{,.cdx.json,.intoto.json}', { cwd: root, dot: true })
    // Where there are only documents, the addon is missing.
    const addons = new Set(files.map((file) => file.replace(/(\.node)\..*$/, '$1')))
    for (const addon of [...addons].sort()) {
      const wrong = await checkAddon(join(root, addon), project)
      problems.push(...wrong.map((problem) => problem.replaceAll(`${root}/`, '')))
    }
    return problems
  })
}

async function v8InputsOf(project: string): Promise<V8Inputs> {
  const pin = await loadPin(project)
  const { patches } = await readSeries(project, pin)
  return { pin, lock: await sha256OfFile(join(project, lockName)), patches }
}
