import { existsSync } from 'node:fs'
import { lstat, mkdir, readFile, rm, rmdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { extract, topFolderOf } from '../fetch/archives.ts'
import { recordTree, upstreamTag } from '../fetch/fetch.ts'
import { readRelease, writeUpstreamPin } from '../fetch/pin-upstream.ts'
import { loadUpstreamPin, upstreamFolder } from '../fetch/upstream-pin.ts'
import { type BuildContext, cacheLayout, repository } from '../shared/context.ts'
import { requireFreeBytes } from '../shared/disk.ts'
import { listFiles } from '../shared/files.ts'
import { gitIn } from '../shared/git.ts'
import { lockName, type Pin } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { formatBytes, say, sayStage } from '../shared/terminal.ts'
import { lineOfV8 } from './releases.ts'
import { archiveOf, type RollState, rollPlaces, saveRoll } from './state.ts'

/** In the repository of a work tree that a roll has made and that no pin names yet. */
export const markOfRoll = 'v8-rawmem-roll'

/** The pristine work tree of the new version, and what the lock file and `upstream/` are to be. */
export async function makeNewSources(
  context: BuildContext,
  state: RollState,
): Promise<RollState | undefined> {
  const { pin, project, cache } = context
  const { unpacking, after, folder } = rollPlaces(cache)
  const archive = archiveOf(context, state)
  const topFolder = await topFolderOf(archive)
  if (topFolder !== `chromium-${state.target.chromium}`) {
    throw wrongArchive(`${archive} is not Chromium ${state.target.chromium}: it has ${topFolder}/.`)
  }
  await rm(unpacking, { recursive: true, force: true })
  await rm(after, { recursive: true, force: true })
  await requireFreeBytes(unpacking, pin.source.unpackedSize * 1.25, 'unpacking V8')
  const upstream = await loadUpstreamPin(context)
  const members = [...pin.source.folders, ...(upstream ? ['DEPS'] : [])]
  const paths = members.map((path) => `${topFolder}/${path}`)
  await extract(archive, unpacking, paths)

  const version = await readV8Version(unpacking)
  if (version === pin.v8.version) {
    await rm(folder, { recursive: true })
    sayStage('roll', `Chromium ${state.target.chromium} has V8 ${version}, which is pinned`)
    return undefined
  }
  if (state.target.v8 && state.target.v8 !== version) {
    throw wrongArchive(
      `Chromium ${state.target.chromium} has V8 ${version}, not ${state.target.v8}.`,
    )
  }
  const release = upstream && (await readRelease(unpacking, pin.source.folders))
  const next = await nextPin(context, state, { version, topFolder, unpacking })
  const layout = cacheLayout(cache.root, next)
  // Told before the tree is there, so that --abort finds it.
  state = await saveRoll(context, { ...state, v8: version })
  await removeUnfinished(layout.tree)
  if (existsSync(layout.tree)) {
    throw new AdvisedError(
      `${layout.tree} is there already, and no roll has made it.`,
      'Move that folder away and run this again, or give the roll up: npm run v8 -- roll --abort',
    )
  }
  say(`It is V8 ${version} of ${next.v8.date}; ${formatBytes(next.source.unpackedSize)} unpacked.`)
  await rm(join(unpacking, 'DEPS'), { force: true })
  await recordTree({ ...context, pin: next, cache: layout }, unpacking, async (tree) => {
    const $git = gitIn(tree)
    const hash = (await $git`git rev-parse ${`${upstreamTag}^{tree}`}`).stdout.trim()
    const whole = { ...next, source: { ...next.source, tree: hash } }
    await mkdir(after, { recursive: true })
    await writeFile(join(after, lockName), await format(whole))
    if (upstream && release) {
      const place = { repository: tree, tree: hash }
      const into = join(after, upstreamFolder)
      await writeUpstreamPin(into, whole, release, upstream.gn, place)
    }
    await writeFile(join(tree, '.git', markOfRoll), project)
  })
  return await saveRoll(context, { ...state, step: 'rebase' })
}

function wrongArchive(message: string): AdvisedError {
  return new AdvisedError(
    message,
    'Give the roll up (npm run v8 -- roll --abort), and name another archive or version.',
  )
}

/** The version that V8's own header says. */
async function readV8Version(chromium: string): Promise<string> {
  const path = join(chromium, 'v8', 'include', 'v8-version.h')
  const header = await readFile(path, 'utf8').catch(() => '')
  const numbers = ['MAJOR_VERSION', 'MINOR_VERSION', 'BUILD_NUMBER', 'PATCH_LEVEL'].map(
    (name) => new RegExp(`^#define V8_${name} (\\d+)$`, 'm').exec(header)?.[1],
  )
  if (numbers.every(Boolean)) return numbers.join('.')
  throw wrongArchive('The archive has no v8/include/v8-version.h that says a version.')
}

async function nextPin(
  { pin }: BuildContext,
  { target }: RollState,
  { version, topFolder, unpacking }: { version: string; topFolder: string; unpacking: string },
): Promise<Pin> {
  const committed = await readFile(join(unpacking, 'build/util/LASTCHANGE.committime'), 'utf8')
  const { file, size, sha256, debian } = target
  return {
    ...pin,
    v8: { version, tag: version, date: isoDate(Number(committed)) },
    chromium: { version: target.chromium },
    source: {
      ...pin.source,
      archive: { file, size: size!, sha256: sha256!, ...(debian ? { debian } : {}) },
      topFolder,
      unpackedSize: await sizeOf(unpacking),
    },
    patches: { ...pin.patches, folder: patchFolder(pin, version) },
  }
}

function isoDate(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace('.000Z', 'Z')
}

/** A line has a folder of patches of its own. */
function patchFolder({ patches, v8 }: Pin, version: string): string {
  const { folder } = patches
  if (basename(folder) !== lineOfV8(v8.version)) return folder
  return join(dirname(folder), lineOfV8(version))
}

/** Bytes that the files of a folder take on a disk with blocks of 4 KiB, rounded up to 50 MB. */
async function sizeOf(folder: string): Promise<number> {
  let bytes = 0
  for (const path of await listFiles(folder)) {
    bytes += Math.ceil((await lstat(join(folder, path))).size / 4096) * 4096
  }
  return Math.ceil(bytes / 50e6) * 50e6
}

/** JSON as the project's formatter has it, with short objects on a line. */
async function format(pin: Pin): Promise<string> {
  const biome = join(repository, 'node_modules', '.bin', 'biome')
  const run = $({ cwd: repository, input: JSON.stringify(pin) })
  return (await run`${biome} format --stdin-file-path=${lockName}`).stdout
}

/** Removes a work tree that a roll has made and not finished. */
export async function removeUnfinished(tree: string): Promise<void> {
  if (!existsSync(join(tree, '.git', markOfRoll))) return
  await rm(tree, { recursive: true })
  // Its folder as well, unless something else is in it.
  await rmdir(dirname(tree)).catch(() => {})
}
