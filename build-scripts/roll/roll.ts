import { existsSync } from 'node:fs'
import { cp, lstat, mkdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { extract, topFolderOf } from '../fetch/archives.ts'
import { download } from '../fetch/download.ts'
import { fetch, recordTree, upstreamTag } from '../fetch/fetch.ts'
import { readRelease, writeUpstreamPin } from '../fetch/pin-upstream.ts'
import type { Sources } from '../fetch/sources.ts'
import { loadUpstreamPin, upstreamFolder } from '../fetch/upstream-pin.ts'
import { formatSeries } from '../patch/export-series.ts'
import { recordHead, seriesHead } from '../patch/patch.ts'
import { WorkTree } from '../patch/work-tree.ts'
import { BuildError } from '../shared/build-error.ts'
import { type BuildContext, cacheLayout, openContext, repository } from '../shared/context.ts'
import { requireFreeBytes } from '../shared/disk.ts'
import { listFiles, writeFileDurably } from '../shared/files.ts'
import { gitIn } from '../shared/git.ts'
import { sha256OfFile } from '../shared/hash.ts'
import { hashPin, loadPin, lockName, type Pin, readSeries } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { formatBytes, formatDuration, say, sayStage } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { Rebase, RebaseConflict } from './rebase.ts'
import { chooseRelease, chromiumOf, type Release, survey } from './releases.ts'
import {
  exchangeFiles,
  loadRoll,
  type RollState,
  requireUnchanged,
  rollPlaces,
  saveRoll,
} from './state.ts'
import { lineOfV8 } from './version.ts'

/** In the repository of a work tree that a roll has made and that no pin names yet. */
const markOfRoll = 'v8-rawmem-roll'

/**
 * Moves the pin to a newer V8, or takes up the roll that is under way. The project changes in the last step only.
 *
 * @param to the version of Chromium or of V8 to roll to
 * @param resolved whether the conflict that the roll stopped at is resolved
 */
export async function roll(
  context: BuildContext,
  sources: Sources,
  { to, resolved = false }: { to?: string | undefined; resolved?: boolean },
): Promise<void> {
  await requireTools('roll', [tools.tar, tools.xz, tools.git, tools.python])
  let state = await loadRoll(context)
  if (state) {
    requireSame(state, to)
    sayStage('roll', `going on to Chromium ${state.target.chromium}`)
  } else {
    if (resolved) throw noRoll()
    state = await begin(context, sources, to)
    if (!state) return
  }
  if (state.conflict && !resolved) {
    throw new BuildError(
      'The roll has stopped at a conflict.',
      'Go on when it is resolved (npm run v8 -- roll --continue), or give up (npm run v8 -- roll --abort).',
    )
  }
  if (state.step !== 'install') requireUnchanged(context, state)
  if (state.step === 'download') state = await timed('archive', () => bring(context, state!))
  if (state.step === 'unpack') {
    const next = await timed('new sources', () => unpack(context, state!))
    if (!next) return
    state = next
  }
  if (state.step === 'rebase') {
    state = await timed('rebase', () => rebase(context, sources, state!))
  }
  await install(context, state)
}

/** Goes back to before the roll; the archive that was downloaded stays. */
export async function abortRoll(context: BuildContext): Promise<void> {
  const state = await loadRoll(context)
  if (!state) throw noRoll()
  const { folder, before, after } = rollPlaces(context.cache)
  if (state.step === 'install') await exchangeFiles(context.project, before, after, lockName)
  if (state.v8) await removeUnfinished(join(context.cache.root, state.v8, 'v8'))
  // First the state: without it, the rest is what any later roll clears away.
  await rm(rollPlaces(context.cache).state)
  await rm(folder, { recursive: true, force: true })
  sayStage('roll', `given up; the pin is V8 ${state.from.v8}, as before`)
}

function noRoll(): BuildError {
  return new BuildError('No roll is under way.', 'Begin one: npm run v8 -- roll')
}

function requireSame({ target }: RollState, to: string | undefined): void {
  if (to === undefined || to === target.chromium || to === target.v8) return
  throw new BuildError(
    `A roll to Chromium ${target.chromium} is under way.`,
    'Go on with it (npm run v8 -- roll), or give it up first (npm run v8 -- roll --abort).',
  )
}

async function timed<T>(what: string, work: () => Promise<T>): Promise<T> {
  const started = Date.now()
  const result = await work()
  say(`${what}: ${formatDuration((Date.now() - started) / 1000)}`)
  return result
}

async function begin(
  context: BuildContext,
  sources: Sources,
  to: string | undefined,
): Promise<RollState | undefined> {
  const { pin, project, series, cache } = context
  const found = await survey(context, sources)
  const release = chooseRelease(context, found, to ?? namedVersion(sources, pin))
  if (!release) {
    sayStage('roll', `no place has a newer patch level of V8 ${lineOfV8(pin.v8.version)}`)
    const others = found.releases.map(({ chromium }) => chromium)
    if (others.length > 0) say(`Of other lines there are: Chromium ${others.join(', ')} (--to)`)
    return undefined
  }
  sayStage('roll', `from V8 ${pin.v8.version} to Chromium ${release.chromium} (${release.where})`)
  await rm(rollPlaces(cache).folder, { recursive: true, force: true })
  return await saveRoll(context, {
    project,
    from: { v8: pin.v8.version, lock: hashPin(pin), series: series.hash },
    target: { ...targetOf(release), ...(to && to !== release.chromium ? { v8: to } : {}) },
    step: 'download',
    conflict: false,
  })
}

/** An archive that the user names is what is wanted, unless it is the one that is pinned. */
function namedVersion({ archives }: Sources, pin: Pin): string | undefined {
  const named = archives.map((place) => chromiumOf(basename(place)))
  return named.find((version) => version !== undefined && version !== pin.chromium.version)
}

function targetOf({ chromium, file, urls, proxy, size, sha256, debian }: Release) {
  return {
    chromium,
    file,
    url: urls[0]!.href,
    ...(proxy ? { proxy } : {}),
    ...(size === undefined ? {} : { size }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(debian ? { debian } : {}),
  }
}

/** The archive on this machine, and what it is. */
async function bring(context: BuildContext, state: RollState): Promise<RollState> {
  const { cache, signal } = context
  const { target } = state
  const url = new URL(target.url)
  const path = placeOf(context, state)
  let sha256: string
  if (url.protocol === 'file:' || (await stat(path).catch(() => undefined))) {
    say(`Checking ${path} ...`)
    sha256 = await sha256OfFile(path, signal)
    if (target.sha256 && sha256 !== target.sha256) {
      throw new BuildError(
        `${path} is not the ${target.file} that Debian lists:\n  expected sha256 ${target.sha256}\n  got      sha256 ${sha256}`,
        `Remove it or name a whole copy, then begin anew: npm run v8 -- roll --abort`,
      )
    }
  } else {
    if (target.size === undefined) {
      throw new BuildError(
        `${url} does not say how large it is.`,
        'Download it and name the file: npm run v8 -- roll --abort, then roll --archive <path>',
      )
    }
    const expected = { size: target.size, sha256: target.sha256 }
    await mkdir(cache.downloads, { recursive: true })
    sha256 = await download(
      url,
      path,
      expected,
      signal,
      target.proxy ? { proxy: target.proxy } : {},
    )
  }
  if (!target.sha256) say(`No list says what ${target.file} should be; it is taken as it is.`)
  const { size } = await stat(path)
  say(`${target.file}: ${size} bytes, sha256 ${sha256}`)
  return await saveRoll(context, { ...state, target: { ...target, size, sha256 }, step: 'unpack' })
}

function placeOf({ cache }: BuildContext, { target }: RollState): string {
  const url = new URL(target.url)
  return url.protocol === 'file:' ? fileURLToPath(url) : join(cache.downloads, target.file)
}

/** The pristine work tree of the new version, and what the lock file and `upstream/` are to be. */
async function unpack(context: BuildContext, state: RollState): Promise<RollState | undefined> {
  const { pin, project, cache, signal } = context
  const { unpacking, after, folder } = rollPlaces(cache)
  const archive = placeOf(context, state)
  const topFolder = await topFolderOf(archive, signal)
  if (topFolder !== `chromium-${state.target.chromium}`) {
    throw wrongArchive(`${archive} is not Chromium ${state.target.chromium}: it has ${topFolder}/.`)
  }
  await rm(unpacking, { recursive: true, force: true })
  await rm(after, { recursive: true, force: true })
  await requireFreeBytes(unpacking, pin.source.unpackedSize * 1.25, 'unpacking V8')
  const upstream = await loadUpstreamPin(context)
  const members = [...pin.source.folders, ...(upstream ? ['DEPS'] : [])]
  const paths = members.map((path) => `${topFolder}/${path}`)
  await extract(archive, unpacking, paths, context)

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
  const release = upstream && (await readRelease(unpacking, pin.source.folders, signal))
  const next = await nextPin(context, state, { version, topFolder, unpacking })
  const layout = cacheLayout(cache.root, next)
  // Told before the tree is there, so that --abort finds it.
  state = await saveRoll(context, { ...state, v8: version })
  await removeUnfinished(layout.tree)
  if (existsSync(layout.tree)) {
    throw new BuildError(
      `${layout.tree} is there already, and no roll has made it.`,
      'Move that folder away and run this again, or give the roll up: npm run v8 -- roll --abort',
    )
  }
  say(`It is V8 ${version} of ${next.v8.date}; ${formatBytes(next.source.unpackedSize)} unpacked.`)
  await rm(join(unpacking, 'DEPS'), { force: true })
  await recordTree({ ...context, pin: next, cache: layout }, unpacking, async (tree) => {
    const $git = gitIn(tree, signal)
    const hash = (await $git`git rev-parse ${`${upstreamTag}^{tree}`}`).stdout.trim()
    const whole = { ...next, source: { ...next.source, tree: hash } }
    await mkdir(after, { recursive: true })
    await writeFile(join(after, lockName), await format(whole))
    if (upstream && release) {
      const place = { repository: tree, tree: hash }
      const into = join(after, upstreamFolder)
      await writeUpstreamPin(into, whole, release, upstream.gn, place, signal)
    }
    await writeFile(join(tree, '.git', markOfRoll), project)
  })
  return await saveRoll(context, { ...state, step: 'rebase' })
}

function wrongArchive(message: string): BuildError {
  return new BuildError(
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
  { pin, signal }: BuildContext,
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
      unpackedSize: await sizeOf(unpacking, signal),
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
async function sizeOf(folder: string, signal: AbortSignal): Promise<number> {
  let bytes = 0
  for (const path of await listFiles(folder)) {
    signal.throwIfAborted()
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
async function removeUnfinished(tree: string): Promise<void> {
  if (!existsSync(join(tree, '.git', markOfRoll))) return
  await rm(tree, { recursive: true })
  // Its folder as well, unless something else is in it.
  await rmdir(dirname(tree)).catch(() => {})
}

/** The series on the new sources, and all files of the project as they are to be. */
async function rebase(
  context: BuildContext,
  sources: Sources,
  state: RollState,
): Promise<RollState> {
  const { cache, pin, project } = context
  const { after, before } = rollPlaces(cache)
  const { tree } = cacheLayout(cache.root, await loadPin(after))
  const rebase = new Rebase(context, tree)
  try {
    if (state.conflict) {
      await rebase.continue()
    } else if (!(await rebase.isDone())) {
      await fetch(context, forPinned(sources, pin))
      await rebase.start()
    }
  } catch (error) {
    if (error instanceof RebaseConflict) await saveRoll(context, { ...state, conflict: true })
    throw error
  }
  await rebase.report()
  const next = await loadPin(after)
  const moved = { ...context, cache: { ...cache, tree } }
  const { files, head } = await formatSeries(moved)
  for (const { folder, file, content } of files) {
    const path = join(after, next.patches.folder, folder, file)
    await mkdir(dirname(path), { recursive: true })
    await writeFileDurably(path, content)
  }
  const series = await readSeries(after, next)
  await recordHead({ cache: moved.cache, pin: next, series }, head)
  await rm(before, { recursive: true, force: true })
  await mkdir(before, { recursive: true })
  const replaced = next.patches.folder === pin.patches.folder ? [pin.patches.folder] : []
  for (const path of [lockName, upstreamFolder, ...replaced]) {
    if (!existsSync(join(project, path))) continue
    await cp(join(project, path), join(before, path), { recursive: true })
  }
  return await saveRoll(context, { ...state, step: 'install', conflict: false })
}

/** What the user says of sources, as far as it is about the pinned version. */
function forPinned(sources: Sources, pin: Pin): Sources {
  const archives = sources.archives.filter((place) => {
    const version = chromiumOf(basename(place))
    return version === undefined || version === pin.chromium.version
  })
  return sources.with(archives)
}

/** Puts the new files into the project. From here on it builds the new version. */
async function install(context: BuildContext, state: RollState): Promise<void> {
  const { project, cache, signal } = context
  const { folder, before, after } = rollPlaces(cache)
  await exchangeFiles(project, after, before, lockName)
  const next = await openContext({ project, cache: cache.root, signal })
  await new Rebase(next, next.cache.tree).forget()
  await rm(join(next.cache.tree, '.git', markOfRoll), { force: true })
  // The rebased commits become those that the patch files give everywhere.
  const { backup } = await new WorkTree(next.cache.tree, signal).moveTo(await seriesHead(next), {
    force: false,
  })
  if (backup) await gitIn(next.cache.tree, signal)`git update-ref -d ${backup}`
  await rm(rollPlaces(cache).state)
  await rm(folder, { recursive: true })
  sayStage('roll', `the pin is V8 ${next.pin.v8.version} now (it was ${state.from.v8})`)
  const { patches } = await readSeries(project, next.pin)
  say(
    [
      `Written: ${lockName}, ${upstreamFolder}/, and ${patches.length} patches in ${next.pin.patches.folder}. Next:`,
      '  npm run v8 -- all',
      '  npm run build:binding',
      '  npm test',
      'Then commit these files. Until then, "git checkout" of them goes back to the old version.',
    ].join('\n'),
  )
}
