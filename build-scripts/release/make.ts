import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { findPrebuildProblems } from '../bind/check-addon.ts'
import { documentsOf } from '../provenance/documents.ts'
import { withTemporary, withTemporaryFolder } from '../shared/files.ts'
import { readCheckout } from '../shared/git.ts'
import { loadPin } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { formatBytes, sayStage, warn } from '../shared/terminal.ts'
import { checkContents, lintPackage } from './contents.ts'
import { type PackedPackage, packPackage } from './pack.ts'
import { manifestName, type Release, sumsName } from './release-manifest.ts'
import { checkSdkArchive, findSdkArchive, withSdkPackage } from './sdk-package.ts'
import { withoutDebugFile, withSymbolsPackage } from './symbols-package.ts'
import { readPackage, writeTarballDocuments } from './tarball.ts'

interface ReleaseOptions {
  /** The checkout. */
  readonly project: string
  /** Where the release goes; what is there is replaced. */
  readonly folder: string
  /** Where the archives of the SDKs are, in it or below. A snapshot does without those that are missing. */
  readonly sdks: string
  /** Where the addons' debug files are. A snapshot does without those that are missing. */
  readonly symbols: string
  /** Takes files that are in no commit, and prebuilds of other sources. */
  readonly snapshot: boolean
}

/** Packs all packages, checks them, and puts them with their documents into a folder that can serve as a mirror. */
export async function makeRelease(options: ReleaseOptions): Promise<Release> {
  const { project, folder, snapshot, symbols } = options
  const { commit, changes } = await readCheckout(project)
  if (changes !== '' && !snapshot) {
    throw new AdvisedError(
      `There are changes that are not committed:\n${changes}`,
      'Commit or undo them: a release is made from a commit. To try one out: --snapshot.',
    )
  }
  const platforms = (await readdir(join(project, 'prebuilds'))).sort()
  await requireOneVersion(project, platforms)
  for (const platform of platforms) await requireCurrent(options, platform)
  const sdks: string[] = []
  const withSymbols: string[] = []
  for (const platform of platforms) {
    sdks.push(...(await findSdk(options, platform)))
    if (await hasSymbols(options, platform)) withSymbols.push(platform)
  }
  await requireReplaceable(folder)

  await mkdir(dirname(folder), { recursive: true })
  const making = `${folder}.making-${process.pid}`
  const make = async (stage: string) => {
    sayStage(
      'release',
      `compiling commit ${commit.slice(0, 12)}${snapshot ? ' and what lies about' : ''}`,
    )
    await stageCheckout(project, stage)
    await mkdir(making)
    const packages: PackedPackage[] = []
    const origin = { project, commit, snapshot }
    const pack = async (source: string) => {
      const packed = await packPackage(source, making)
      checkContents(packed)
      await lintPackage(making, packed)
      await writeTarballDocuments(join(making, packed.filename), source, origin)
      const about = `${packed.files.length} files, ${formatBytes(packed.size)}, unpacked ${formatBytes(packed.unpackedSize)}`
      sayStage('release', `${packed.filename} (${about})`)
      packages.push(packed)
    }
    for (const platform of platforms) await pack(join(stage, 'prebuilds', platform))
    // How an installed package knows the tarball that it may fetch.
    await writeFile(join(stage, 'dist', manifestName), recordOf(packages))
    const { version } = await readPackage(stage)
    for (const platform of withSymbols) {
      const prebuild = join(stage, 'prebuilds', platform)
      await withSymbolsPackage({ project, platform, version }, { prebuild, symbols }, pack)
    }
    for (const archive of sdks) {
      await withSdkPackage(archive, version, pack)
      const documents = documentsOf(archive)
      for (const file of [archive, documents.bill, documents.statement]) {
        await copyFile(file, join(making, basename(file)))
      }
    }
    await pack(stage)

    const release: Release = {
      version: packages.at(-1)!.version,
      commit,
      snapshot,
      packages: packages.map(({ name, version, filename, integrity }) => ({
        name,
        version,
        filename,
        integrity,
      })),
    }
    await writeFile(join(making, manifestName), `${JSON.stringify(release, null, 2)}\n`)
    const sums = $({ cwd: making, env: { ...process.env, LC_ALL: 'C' } })
    await sums`sha256sum * > ${sumsName}`
    await rm(folder, { recursive: true, force: true })
    await rename(making, folder)
    return release
  }
  return await withTemporary(making, () => withTemporaryFolder(make))
}

/** Fails a release; of a snapshot, only says what is wrong. */
function refuse({ snapshot }: ReleaseOptions, message: string, advice: string): void {
  if (!snapshot) throw new AdvisedError(message, `${advice} To try a release out: --snapshot.`)
  warn(message)
}

/** Refuses prebuilds of other sources: they would not do what the documentation says. */
async function requireCurrent(options: ReleaseOptions, platform: string): Promise<void> {
  const { project } = options
  const problems = await findPrebuildProblems(project, join(project, 'prebuilds', platform))
  if (problems.length === 0) return
  refuse(
    options,
    `prebuilds/${platform} does not belong to this commit:\n  ${problems.join('\n  ')}`,
    'Build it anew with "npm run v8 -- all && npm run build:binding", and commit it.',
  )
}

/** The archive of the SDK for a platform. Refuses one of other sources, and to do without. */
async function findSdk(options: ReleaseOptions, platform: string): Promise<string[]> {
  const { project, sdks } = options
  const { v8 } = await loadPin(project)
  const archive = await findSdkArchive(sdks, v8.version, platform)
  const problems = archive
    ? await checkSdkArchive(archive, project)
    : [`there is no archive of V8 ${v8.version} in ${sdks}`]
  if (problems.length > 0) {
    refuse(
      options,
      `The SDK for ${platform} does not belong to this commit:\n  ${problems.join('\n  ')}`,
      'Make it anew with "npm run v8 -- all".',
    )
  }
  return archive ? [archive] : []
}

/** Whether the debug files of a platform's addons are there. Refuses to do without. */
async function hasSymbols(options: ReleaseOptions, platform: string): Promise<boolean> {
  const { project, symbols } = options
  const lacking = await withoutDebugFile(join(project, 'prebuilds', platform), symbols)
  if (lacking.length === 0) return true
  refuse(
    options,
    `There are no debug files of ${lacking.join(', ')} for ${platform} in ${symbols}.`,
    'Make them with "npm run build:binding".',
  )
  return false
}

/** Refuses to replace a folder that is no release: it may have been named by mistake. */
async function requireReplaceable(folder: string): Promise<void> {
  const found = existsSync(folder) ? await readdir(folder) : []
  if (found.length === 0 || found.includes(manifestName)) return
  throw new AdvisedError(
    `${folder} has files in it and is no release.`,
    'Name another folder with --folder.',
  )
}

async function requireOneVersion(project: string, platforms: readonly string[]): Promise<void> {
  const { version, optionalDependencies } = await readPackage(project)
  for (const platform of platforms) {
    const found = await readPackage(join(project, 'prebuilds', platform))
    const wanted = optionalDependencies[found.name]
    if (found.version === version && wanted === version) continue
    throw new AdvisedError(
      `package.json has the version ${version} and asks for ${found.name} ${wanted}, which is ${found.version}.`,
      'All of them must be the same: "version" of the package and of those of its platforms, and the optional dependency.',
    )
  }
}

function recordOf(packages: readonly PackedPackage[]): string {
  const record = Object.fromEntries(
    packages.map(({ name, filename, size, integrity }) => [name, { filename, size, integrity }]),
  )
  return `${JSON.stringify(record, null, 2)}\n`
}

/**
 * Copies what git knows of a checkout into a folder and compiles it there, so that nothing else that lies about gets into
 * a package: no output of an older compilation, no file that git ignores.
 */
export async function stageCheckout(project: string, folder: string): Promise<void> {
  const index = `${folder}.index`
  await withTemporary(index, async () => {
    // In an index of its own: what is staged in the checkout stays as it is.
    const git = $({ cwd: project, env: { ...process.env, GIT_INDEX_FILE: index } })
    await git`git add --all`
    const tree = (await git`git write-tree`).stdout.trim()
    await git`git archive ${tree} | tar --extract --directory=${folder}`
    // What a link leads to may be anywhere.
    await git`find ${folder} -type l -delete`
  })
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  const compiled = await $({ cwd: folder, nothrow: true })`npm run --silent build`
  if (compiled.exitCode !== 0) {
    throw new AdvisedError(
      `The sources cannot be compiled:\n${compiled.stdall.trim()}`,
      'Mend them until "npm run build" succeeds.',
    )
  }
}
