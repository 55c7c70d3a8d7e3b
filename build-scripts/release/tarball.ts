import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { glob } from 'zx'
import { readBill } from '../provenance/bill-of-materials.ts'
import { component, mergeComponents } from '../provenance/component.ts'
import { type Description, type Documents, writeDocuments } from '../provenance/documents.ts'
import { LockedPackages, npmRef, packageLockName } from '../provenance/npm-packages.ts'
import { withUnpacked } from '../provenance/unpack.ts'
import { BuildError } from '../shared/build-error.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { digestsOfFile, sha256OfFile } from '../shared/hash.ts'

const packageSchema = z.object({
  name: z.string(),
  version: z.string(),
  license: z.string(),
  description: z.string().optional(),
  dependencies: z.record(z.string(), z.string()).default({}),
  optionalDependencies: z.record(z.string(), z.string()).default({}),
})

/** Where a tarball comes from. */
interface TarballOrigin {
  /** The checkout that npm packed it in. */
  readonly project: string
  /** The commit that is checked out. */
  readonly commit: string
  /** Whether there may have been changes that are not committed. */
  readonly snapshot?: boolean
}

/** Writes the documents of a tarball that `npm pack` has made beside it. */
export async function writeTarballDocuments(
  tarball: string,
  origin: TarballOrigin,
): Promise<Documents> {
  return await writeDocuments(tarball, await describeTarball(tarball, origin))
}

/** What is in a tarball of npm, what npm installs with it, and of what it was made. */
export async function describeTarball(
  tarball: string,
  { project, commit, snapshot = false }: TarballOrigin,
): Promise<Description> {
  return await withUnpacked(tarball, isDescriptive, async (folder) => {
    const { name, version, license, description, ...depends } = await readPackage(folder, tarball)
    const locked = await LockedPackages.read(project)
    const installed = locked.installedWith(
      Object.keys(depends.dependencies),
      Object.keys(depends.optionalDependencies),
    )
    const bills = await billsIn(folder)
    const licences = bills.length > 0 ? 'licences/' : ''
    const inside = bills.map(({ artifact }) => artifact)
    const ref = npmRef(name, version)
    return {
      bill: {
        artifact: component({
          ref,
          name,
          version,
          ...(description && { description }),
          purl: ref,
          licence: license,
          texts: await textsIn(join(folder, licences)),
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
      claim: {
        kind: 'npm-package',
        parameters: { package: name, version, snapshot },
        dependencies: [
          { name: 'sources', digest: { gitCommit: commit } },
          {
            name: packageLockName,
            digest: { sha256: await sha256OfFile(join(project, packageLockName)) },
          },
          ...inside.map((addon) => ({ name: addon.name, digest: addon.digests })),
        ],
      },
    }
  })
}

function isDescriptive(path: string): boolean {
  return path === 'package.json' || /^(LICENSE|licences\/)|\.cdx\.json$/.test(path)
}

async function readPackage(folder: string, tarball: string) {
  const manifest = await readJsonIfValid(join(folder, 'package.json'), packageSchema)
  if (manifest) return manifest
  throw new BuildError(
    `${tarball} is no package of npm: it has no package.json with name, version and license.`,
    'Name a tarball that "npm run release" has made.',
  )
}

/** The bills of materials of the artifacts that a package carries. */
async function billsIn(folder: string) {
  const names = (await glob('*.cdx.json', { cwd: folder })).sort()
  return await Promise.all(
    names.map(async (name) => await readBill(await readFile(join(folder, name), 'utf8'), name)),
  )
}

async function textsIn(folder: string) {
  const names = (await glob('LICENSE*', { cwd: folder })).sort()
  return await Promise.all(
    names.map(async (path) => ({ path, sha256: await sha256OfFile(join(folder, path)) })),
  )
}
