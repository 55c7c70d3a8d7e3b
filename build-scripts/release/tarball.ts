import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { glob } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { readBill } from '../provenance/bill-of-materials.ts'
import { component, mergeComponents } from '../provenance/component.ts'
import { type Claim, writeDocuments } from '../provenance/documents.ts'
import { LockedPackages, npmRef, packageLockName } from '../provenance/npm-packages.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { digestsOfFile, hashFiles, sha256OfFile } from '../shared/hash.ts'

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
  const bills = await Promise.all(
    (await filesIn(folder, '*.cdx.json')).map(async (name) =>
      readBill(await readFile(join(folder, name), 'utf8'), name),
    ),
  )
  const licences = bills.length > 0 ? 'licences/' : ''
  const texts = await filesIn(join(folder, licences), 'LICENSE*')
  const hashes = await hashFiles(join(folder, licences), texts)
  const inside = bills.map(({ artifact }) => artifact)
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
        needs: [...inside.map((addon) => addon.ref), ...installed.needs],
      }),
      components: mergeComponents(
        inside,
        ...bills.map(({ components }) => components),
        installed.components,
      ),
      licences,
    },
    claim: await claimOfPackage(folder, origin),
  })
}

/** Of what the package in `folder` is made: the commit, and the addons that lie in it. */
export async function claimOfPackage(
  folder: string,
  { project, commit, snapshot = false }: PackageOrigin,
): Promise<Claim> {
  const { name, version } = await readPackage(folder)
  const addons = await hashFiles(folder, await filesIn(folder, '*.node'))
  return {
    kind: 'npm-package',
    parameters: { package: name, version, snapshot },
    dependencies: [
      { name: 'sources', digest: { gitCommit: commit } },
      {
        name: packageLockName,
        digest: { sha256: await sha256OfFile(join(project, packageLockName)) },
      },
      ...Object.entries(addons).map(([name, sha256]) => ({ name, digest: { sha256 } })),
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
  return (await glob(pattern, { cwd: folder })).sort()
}
