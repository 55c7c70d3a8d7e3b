import { existsSync } from 'node:fs'
import { cp, mkdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { download } from '../fetch/download.ts'
import { fetch } from '../fetch/fetch.ts'
import type { Sources } from '../fetch/sources.ts'
import { upstreamFolder } from '../fetch/upstream-pin.ts'
import { recordHead, seriesHead } from '../patch/patch.ts'
import { formatSeries } from '../patch/series.ts'
import { WorkTree } from '../patch/work-tree.ts'
import { type BuildContext, cacheLayout, openContext } from '../shared/context.ts'
import { writeFileDurably } from '../shared/files.ts'
import { gitIn } from '../shared/git.ts'
import { sha256OfFile } from '../shared/hash.ts'
import { hashPin, loadPin, lockName, type Pin, readSeries } from '../shared/pin.ts'
import { formatDuration, say, sayStage } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { makeNewSources, markOfRoll, removeUnfinished } from './new-sources.ts'
import { Rebase, RebaseConflict } from './rebase.ts'
import { chooseRelease, chromiumOf, lineOfV8, type Release, survey } from './releases.ts'
import {
  archiveOf,
  exchangeFiles,
  loadRoll,
  type RollState,
  requireUnchanged,
  rollPlaces,
  saveRoll,
} from './state.ts'

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
    throw new AdvisedError(
      'The roll has stopped at a conflict.',
      'Go on when it is resolved (npm run v8 -- roll --continue), or give up (npm run v8 -- roll --abort).',
    )
  }
  if (state.step !== 'install') requireUnchanged(context, state)
  if (state.step === 'download') state = await timed('archive', () => bring(context, state!))
  if (state.step === 'unpack') {
    const next = await timed('new sources', () => makeNewSources(context, state!))
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

function noRoll(): AdvisedError {
  return new AdvisedError('No roll is under way.', 'Begin one: npm run v8 -- roll')
}

function requireSame({ target }: RollState, to: string | undefined): void {
  if (to === undefined || to === target.chromium || to === target.v8) return
  throw new AdvisedError(
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
  const { cache } = context
  const { target } = state
  const url = new URL(target.url)
  const path = archiveOf(context, state)
  let sha256: string
  if (url.protocol === 'file:' || (await stat(path).catch(() => undefined))) {
    say(`Checking ${path} ...`)
    sha256 = await sha256OfFile(path)
    if (target.sha256 && sha256 !== target.sha256) {
      throw new AdvisedError(
        `${path} is not the ${target.file} that Debian lists:\n  expected sha256 ${target.sha256}\n  got      sha256 ${sha256}`,
        `Remove it or name a whole copy, then begin anew: npm run v8 -- roll --abort`,
      )
    }
  } else {
    if (target.size === undefined) {
      throw new AdvisedError(
        `${url} does not say how large it is.`,
        'Download it and name the file: npm run v8 -- roll --abort, then roll --archive <path>',
      )
    }
    const expected = { size: target.size, sha256: target.sha256 }
    await mkdir(cache.downloads, { recursive: true })
    sha256 = await download(url, path, expected, target.proxy ? { proxy: target.proxy } : {})
  }
  if (!target.sha256) say(`No list says what ${target.file} should be; it is taken as it is.`)
  const { size } = await stat(path)
  say(`${target.file}: ${size} bytes, sha256 ${sha256}`)
  return await saveRoll(context, { ...state, target: { ...target, size, sha256 }, step: 'unpack' })
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
  // What a killed run has left there would be installed.
  await rm(join(after, next.patches.folder), { recursive: true, force: true })
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
  const { project, cache } = context
  const { folder, before, after } = rollPlaces(cache)
  await exchangeFiles(project, after, before, lockName)
  const next = await openContext({ project, cache: cache.root })
  await new Rebase(next, next.cache.tree).forget()
  await rm(join(next.cache.tree, '.git', markOfRoll), { force: true })
  // The rebased commits become those that the patch files give everywhere.
  const { backup } = await new WorkTree(next.cache.tree).moveTo(await seriesHead(next), {
    force: false,
  })
  if (backup) await gitIn(next.cache.tree)`git update-ref -d ${backup}`
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
