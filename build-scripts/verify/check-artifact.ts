import { basename, join } from 'node:path'
import { glob } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { checkAddon } from '../bind/check-addon.ts'
import { checkDocuments } from '../provenance/documents.ts'
import { withUnpacked } from '../provenance/unpack.ts'
import { checkSdk, checkSdkArchive } from '../release/sdk-package.ts'
import { debugFilesOf } from '../release/symbols-package.ts'
import { claimOfPackage, isSdk } from '../release/tarball.ts'

/** What artifacts are checked against. */
interface Checkout {
  readonly project: string
  /** The commit that is checked out, when git knows. */
  readonly commit: string | undefined
}

/** Checks one artifact of any kind with its documents against a checkout. Returns what is wrong. */
export async function checkArtifact(artifact: string, checkout: Checkout): Promise<string[]> {
  try {
    return await checkByKind(artifact, checkout)
  } catch (error) {
    if (error instanceof AdvisedError) return [error.message]
    throw error
  }
}

async function checkByKind(artifact: string, checkout: Checkout): Promise<string[]> {
  const name = basename(artifact)
  if (name.endsWith('.node')) return await checkAddon(artifact, checkout.project)
  if (name.endsWith('.tar.zst')) return await checkSdkArchive(artifact, checkout.project)
  if (name.endsWith('.tgz')) return await checkTarball(artifact, checkout)
  throw new AdvisedError(
    `${artifact} is none of the artifacts of this project.`,
    'Name an addon (*.node), an SDK (*.tar.zst) or a package of npm (*.tgz).',
  )
}

/** The debug files in a package that are of no addon of this checkout. */
async function symbolsProblems(root: string, project: string): Promise<string[]> {
  const found = await glob('.build-id/*/*', { cwd: root, dot: true })
  if (found.length === 0) return []
  const expected = new Set<string>()
  for (const platform of await glob('*', { cwd: join(project, 'prebuilds'), onlyFiles: false })) {
    const paths = await debugFilesOf(join(project, 'prebuilds', platform))
    for (const path of paths.values()) expected.add(path)
  }
  return found
    .filter((path) => !expected.has(path))
    .map((path) => `${path} is the debug file of no addon in prebuilds/`)
}

async function checkTarball(tarball: string, { project, commit }: Checkout): Promise<string[]> {
  if (commit === undefined) {
    throw new AdvisedError(
      `${project} is no git checkout, so ${tarball} cannot be compared with a commit.`,
      'Clone the repository, check out the version, and verify there.',
    )
  }
  return await withUnpacked(tarball, async (root) => {
    const problems = await checkDocuments(tarball, root, () =>
      claimOfPackage(root, { project, commit }),
    )
    if (await isSdk(root)) return [...problems, ...(await checkSdk(root, project))]
    problems.push(...(await symbolsProblems(root, project)))
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
