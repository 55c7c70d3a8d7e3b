import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { glob } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { sdkLicences } from '../package/sdk-files.ts'
import { readSdkManifest, manifestName as sdkManifestName } from '../package/sdk-manifest.ts'
import { readBill } from '../provenance/bill-of-materials.ts'
import { type Component, component, mergeComponents } from '../provenance/component.ts'
import { writeDocuments } from '../provenance/documents.ts'
import { LockedPackages, npmRef, packageLockName } from '../provenance/npm-packages.ts'
import type { Claim } from '../provenance/statement.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { digestsOfFile, hashFiles, sha256OfFile } from '../shared/hash.ts'
import { sdkPackage } from './sdk-package.ts'

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  description: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})

/** Where a package comes from. */
interface PackageOrigin {
  /** The checkout that npm packed it in. */
  readonly project: string
  /** The commit that is checked out. */
  readonly commit: string
  /** Whether there may have been changes that are not committed. */
  readonly snapshot?: boolean
}

/** Writes the documents of a tarball of the package in `folder`: what is in it, and what npm installs with it. */
export async function writeTarballDocuments(
  tarball: string,
  folder: string,
  origin: PackageOrigin,
): Promise<void> {
  const { name, version, license, description, ...depends } = await readPackage(folder)
  const locked = await LockedPackages.read(origin.project)
  const installed = locked.installedWith(
    Object.keys(depends.dependencies),
    Object.keys(depends.optionalDependencies),
  )
  const { licences, ...parts } = await partsOf(folder)
  const texts = await filesIn(join(folder, licences), 'LICENSE*')
  const hashes = await hashFiles(join(folder, licences), texts)
  const ref = npmRef(name, version)
  await writeDocuments(tarball, {
    bill: {
      artifact: component({
        ref,
        name,
        version,
        ...(description && { description }),
        purl: ref,
        licence: license,
        texts: texts.map((path) => ({ path, sha256: hashes[path]! })),
        digests: await digestsOfFile(tarball),
        needs: [...parts.needs, ...installed.needs],
      }),
      components: mergeComponents(parts.components, installed.components),
      licences,
    },
    claim: await claimOfPackage(folder, origin),
  })
}

interface Parts {
  /** The refs of those that the package has itself. */
  readonly needs: readonly string[]
  readonly components: readonly Component[]
  /** Where their licences are. */
  readonly licences: string
}

/** What is in a package besides its own files: addons with their bills of materials, or what is in an SDK. */
async function partsOf(folder: string): Promise<Parts> {
  if (await isSdk(folder)) {
    const { components } = await readSdkManifest(folder)
    return { needs: ['v8'], components, licences: sdkLicences }
  }
  const bills = await Promise.all(
    (await filesIn(folder, '*.cdx.json')).map(async (name) =>
      readBill(await readFile(join(folder, name), 'utf8'), name),
    ),
  )
  const addons = bills.map(({ artifact }) => artifact)
  return {
    needs: addons.map(({ ref }) => ref),
    components: mergeComponents(addons, ...bills.map(({ components }) => components)),
    licences: bills.length > 0 ? 'licences/' : '',
  }
}

/** Whether the package in `folder` is an SDK. */
export async function isSdk(folder: string): Promise<boolean> {
  return (await readPackage(folder)).name.startsWith(sdkPackage(''))
}

/** Of what the package in `folder` is made: the commit, and the addons, the debug files or the SDK that lie in it. */
export async function claimOfPackage(
  folder: string,
  { project, commit, snapshot = false }: PackageOrigin,
): Promise<Claim> {
  const { name, version } = await readPackage(folder)
  // The manifest of an SDK has the hash of each of its files.
  const inside = (await isSdk(folder)) ? sdkManifestName : '{*.node,.build-id/*/*.debug}'
  const hashes = await hashFiles(folder, await filesIn(folder, inside))
  return {
    kind: 'npm-package',
    parameters: { package: name, version, snapshot },
    dependencies: [
      { name: 'sources', digest: { gitCommit: commit } },
      {
        name: packageLockName,
        digest: { sha256: await sha256OfFile(join(project, packageLockName)) },
      },
      ...Object.entries(hashes).map(([name, sha256]) => ({ name, digest: { sha256 } })),
    ],
  }
}

/** The package.json of a package. */
export async function readPackage(folder: string): Promise<z.infer<typeof packageSchema>> {
  const manifest = await readJsonIfValid(join(folder, 'package.json'), packageSchema)
  if (manifest) return manifest
  throw new AdvisedError(
    `${folder} is no package of npm: it has no package.json with name, version and license.`,
    'Bring it back with git, or name a tarball that "npm run release" has made.',
  )
}

async function filesIn(folder: string, pattern: string): Promise<string[]> {
  return (await glob(pattern, { cwd: folder, dot: true })).sort()
}
