import { existsSync } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { listPackage } from '../fetch/apt.ts'
import { askForSize } from '../fetch/download.ts'
import { NetworkGit } from '../fetch/git-network.ts'
import { gitHost, gitHostAnswers, type Sources } from '../fetch/sources.ts'
import { loadUpstreamPin } from '../fetch/upstream-pin.ts'
import type { BuildContext } from '../shared/context.ts'
import type { PinnedArchive } from '../shared/pin.ts'
import { formatBytes, say, sayStage, warn } from '../shared/terminal.ts'
import { missingTools, tools } from '../shared/toolchain.ts'

/** A release of Chromium whose source archive some place has or lists. */
export interface Release {
  /** Version of Chromium. The version of V8 in it is in the archive. */
  readonly chromium: string
  readonly file: string
  /** Where it may be fetched: of those asked, the one that answered is the only one left. */
  readonly urls: readonly URL[]
  readonly proxy?: string
  readonly size?: number
  /** Undefined where no place but the archive's own knows it. */
  readonly sha256?: string
  readonly debian?: PinnedArchive['debian']
  /** For people: suites, a path, a URL. */
  readonly where: string
  /** Why it cannot be had, although it is listed. */
  readonly refusal?: string
}

/** What there is to roll to. */
export interface Survey {
  /** Newest first. */
  readonly releases: readonly Release[]
  /** Tags of V8's repository, on the branch of the pin and newer than it; newest first. */
  readonly tags: readonly string[]
  /** Those of the next line. */
  readonly nextTags: readonly string[]
}

/**
 * Asks every place for releases that are newer than the pin: named archives, the cache, all suites, V8's tags. Places
 * that do not answer are told; where none does, an error says that nothing is known.
 */
export async function survey(context: BuildContext, sources: Sources): Promise<Survey> {
  const { pin } = context
  const apt = await askApt(context)
  const local = await findLocal(context, sources.archives)
  const newer = joined([...local, ...apt.releases])
    .filter(({ chromium }) => compareVersions(chromium, pin.chromium.version) > 0)
    .sort((a, b) => compareVersions(b.chromium, a.chromium))
  const releases = await Promise.all(newer.map((release) => askForRelease(release)))
  const git = await askGit(context, sources)
  for (const complaint of [...apt.complaints, ...git.complaints]) warn(complaint)
  if (!apt.answered && !git.answered && sources.archives.length === 0 && releases.length === 0) {
    throw new AdvisedError(
      'No place could be asked, so nothing is known of newer versions.',
      'Check the network, or name an archive with --archive <path or URL>.',
      { exitCode: 2 },
    )
  }
  return { releases, tags: git.tags, nextTags: git.nextTags }
}

interface Answer {
  readonly answered: boolean
  readonly complaints: readonly string[]
}

async function askApt({ pin, cache }: BuildContext): Promise<Answer & { releases: Release[] }> {
  const name = pin.source.archive.debian?.package
  const silent = (why: string) => ({ answered: false, complaints: [why], releases: [] })
  if (!name) return silent('apt: v8.lock.json names no source package to look for')
  if ((await missingTools([tools.aptGet])).length > 0) return silent('apt: not on this machine')
  try {
    const { listed, refreshed, complaints, proxy } = await listPackage(name, cache.apt)
    // Releases of Debian keep their source longer than security updates do.
    const isRegular = ({ suites }: { suites: readonly string[] }) =>
      suites.some((suite) => !/-(security|updates)$/.test(suite))
    const order = [...listed].sort((a, b) => Number(isRegular(b)) - Number(isRegular(a)))
    const releases = order.map(({ version, suites, file }) => ({
      chromium: chromiumOf(file.file)!,
      file: file.file,
      urls: [new URL(file.uri)],
      ...(proxy ? { proxy } : {}),
      size: file.size,
      ...(file.sha256 ? { sha256: file.sha256 } : {}),
      debian: { package: name, version, suite: suites[0]!.replace(/-(security|updates)$/, '') },
      where: suites.join(', '),
    }))
    return { answered: refreshed, complaints, releases }
  } catch (error) {
    if (!(error instanceof AdvisedError)) throw error
    return silent(`apt: ${error.message}`)
  }
}

/**
 * One entry for each version of Chromium, with all places of its archive: suites have it under different versions of the
 * package, and what apt knows of it holds for a copy that lies nearer.
 */
function joined(releases: readonly Release[]): Release[] {
  const byVersion = new Map<string, Release>()
  for (const release of releases) {
    const known = byVersion.get(release.chromium)
    byVersion.set(release.chromium, {
      ...release,
      ...known,
      ...(release.debian && known && !known.debian
        ? { size: release.size!, debian: release.debian }
        : {}),
      ...(known && release.sha256 ? { sha256: release.sha256 } : {}),
      urls: [...(known?.urls ?? []), ...release.urls],
      where: known ? `${known.where}, ${release.where}` : release.where,
    })
  }
  return [...byVersion.values()]
}

/** Asks the places of an archive in turn. */
async function askForRelease(release: Release): Promise<Release> {
  const refusals: string[] = []
  for (const url of new Map(release.urls.map((one) => [one.href, one])).values()) {
    const { size, refusal } = await askForSize(url, release.proxy)
    if (refusal) refusals.push(`${url} ${refusal}`)
    else return { ...release, urls: [url], ...(release.size || !size ? {} : { size }) }
  }
  return { ...release, refusal: refusals.join(', ') }
}

/** The version of Chromium that the name of an archive says. */
export function chromiumOf(file: string): string | undefined {
  return /^chromium_(\d+(?:\.\d+)+)\.orig\.tar\.(?:xz|gz|zst)$/.exec(file)?.[1]
}

/** Archives in the cache, and those that the user names, which count more. */
async function findLocal(
  { cache, pin }: BuildContext,
  named: readonly string[],
): Promise<Release[]> {
  const urls: URL[] = []
  for (const place of [cache.downloads, ...named]) {
    if (/^https?:\/\//.test(place)) {
      urls.push(new URL(place))
      continue
    }
    const path = place.startsWith('file:') ? fileURLToPath(place) : resolve(place)
    const isFolder = (await stat(path).catch(() => undefined))?.isDirectory() ?? false
    const files = isFolder ? (await readdir(path)).map((name) => join(path, name)) : [path]
    if (isFolder || existsSync(path)) urls.push(...files.map((file) => pathToFileURL(file)))
    else if (place !== cache.downloads) throw unusable(place, 'is not there')
  }
  const pinned = [pin.source.archive.file, pin.gn.archive.file]
  return urls.flatMap((url) => {
    const file = decodeURIComponent(basename(url.pathname))
    const chromium = chromiumOf(file)
    const where = url.protocol === 'file:' ? fileURLToPath(url) : url.href
    if (chromium) return [{ chromium, file, urls: [url], where }]
    // In a folder there may be anything; what is named by itself is meant.
    if (!pinned.includes(file) && named.some((place) => place.endsWith(file))) {
      throw unusable(where, 'is no source of Chromium by its name')
    }
    return []
  })
}

function unusable(place: string, why: string): AdvisedError {
  return new AdvisedError(
    `${place}, which was named as an archive, ${why}.`,
    'Correct --archive (or V8_RAWMEM_ARCHIVE): chromium_<version>.orig.tar.xz as a path or URL, or a folder with it.',
  )
}

/** Tags on the branch of the pinned version, such as 15.0.245, and those of the next line. */
async function askGit(
  context: BuildContext,
  { mirrors }: Sources,
): Promise<Answer & { tags: string[]; nextTags: string[] }> {
  const { pin, cache } = context
  const upstream = await loadUpstreamPin(context)
  const silent = { answered: false, complaints: [], tags: [], nextTags: [] }
  if (!upstream) return silent
  const host = gitHost(upstream, mirrors)
  if (!(await gitHostAnswers(upstream, mirrors))) {
    return { ...silent, complaints: [`${host} (by git): does not answer`] }
  }
  const { url } = upstream.repositories.v8!
  const branch = pin.v8.version.split('.').slice(0, 3).join('.')
  const next = lineAfter(lineOfV8(pin.v8.version))
  const patterns = [branch, next].map((prefix) => `refs/tags/${prefix}.*`)
  const network = new NetworkGit(mirrors, [url])
  const shell = network.shell(cache.root)
  const listed = await shell`exec git ls-remote --refs --tags ${url} ${patterns}`
  const all = [...listed.stdout.matchAll(/refs\/tags\/(\d+(?:\.\d+){3})$/gm)]
    .map((match) => match[1]!)
    .filter((tag) => compareVersions(tag, pin.v8.version) > 0)
    .sort((a, b) => compareVersions(b, a))
  const nextTags = all.filter((tag) => lineOfV8(tag) === next)
  const tags = all.filter((tag) => lineOfV8(tag) !== next)
  return { answered: true, complaints: [], tags, nextTags }
}

/**
 * The release to roll to.
 *
 * @param to a version of Chromium, or one of V8, which names its line; without it, the newest of the line of the pin
 */
export function chooseRelease(
  { pin }: BuildContext,
  { releases, tags }: Survey,
  to: string | undefined,
): Release | undefined {
  const isV8 = to !== undefined && Number(to.split('.')[0]) < 100
  const line = to === undefined ? lineOfV8(pin.v8.version) : isV8 ? lineOfV8(to) : undefined
  const fitting = releases.filter(({ chromium }) =>
    line === undefined ? chromium === to : lineInChromium(chromium) === line,
  )
  const chosen = fitting.find(({ refusal }) => !refusal)
  if (chosen) return chosen
  if (fitting.length > 0) {
    throw new AdvisedError(
      [
        'It is listed, but cannot be had:',
        ...fitting.map(({ chromium, where, refusal }) => `- ${chromium} (${where}): ${refusal}`),
      ].join('\n'),
      'Try again later, or name a copy with --archive <path or URL>.',
    )
  }
  if (to !== undefined) {
    const known = releases.map(({ chromium }) => chromium).join(', ') || 'none'
    throw new AdvisedError(
      `No place has an archive for ${to}.`,
      `Newer than the pin are: ${known}. Name another archive with --archive <path or URL>; "roll --check" says what each place answers.`,
    )
  }
  if (tags[0]) {
    throw new AdvisedError(
      `V8's repository has ${tags[0]}, but no place has an archive with it.`,
      'The pin names an archive. Name one of the Chromium release that has it with --archive <path or URL>.',
    )
  }
  return undefined
}

/**
 * Says how old the pin is and what is newer, by lines of V8.
 *
 * @returns whether there is a newer patch level of the line of the pin
 */
export async function checkForNewer(context: BuildContext, sources: Sources): Promise<boolean> {
  const { v8, chromium } = context.pin
  const days = ageInDays(v8.date)
  sayStage(
    'roll',
    `pinned is V8 ${v8.version} (Chromium ${chromium.version}) of ${v8.date.slice(0, 10)}, ${days} days old`,
  )
  const { releases, tags, nextTags } = await survey(context, sources)
  const ours = lineOfV8(v8.version)
  const lines = groupByLine(releases)
  for (const [line, found] of lines) {
    say(`V8 ${line}${line === ours ? ', the line of the pin' : ''}:`)
    for (const release of found) say(`  ${describe(release)}`)
  }
  if (tags[0]) say(`Newest tag in V8's repository on this branch: ${tags[0]}`)
  if (nextTags[0]) say(`Newest tag of the next line: ${nextTags[0]}`)
  const isNewer = lines.has(ours) || tags.length > 0
  if (!isNewer) say(`No place has a newer patch level of V8 ${ours}.`)
  return isNewer
}

function groupByLine(releases: readonly Release[]): Map<string, Release[]> {
  const lines = new Map<string, Release[]>()
  for (const release of releases) {
    const line = lineInChromium(release.chromium)
    lines.set(line, [...(lines.get(line) ?? []), release])
  }
  return lines
}

function describe({ chromium, where, size, refusal }: Release): string {
  const bytes = size === undefined ? '' : `, ${formatBytes(size)}`
  const state = refusal ? `listed, but ${refusal}` : 'can be had'
  return `Chromium ${chromium} (${where}${bytes}): ${state}`
}

/** Orders versions of numbers and dots; positive when the first one is newer. */
export const compareVersions = new Intl.Collator('en', { numeric: true }).compare

/** The line that a version of V8 belongs to: `15.0` of `15.0.245.13`. */
export function lineOfV8(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

/** The line of V8 in a version of Chromium: milestone 156 has V8 15.6. */
export function lineInChromium(version: string): string {
  const milestone = Number(version.split('.')[0])
  return `${Math.floor(milestone / 10)}.${milestone % 10}`
}

/** The line that follows: milestones count on where the second number would be 10. */
export function lineAfter(line: string): string {
  const [major, minor] = line.split('.').map(Number)
  return minor === 9 ? `${major! + 1}.0` : `${major}.${minor! + 1}`
}

/** Whole days from an ISO date to now. */
export function ageInDays(date: string): number {
  return Math.floor((Date.now() - Date.parse(date)) / 86_400_000)
}
