import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { basename, extname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { diskFull, saysDiskFull } from '../shared/disk.ts'
import { sha256OfFile } from '../shared/hash.ts'
import type { PinnedArchive } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { say, startProgress, warn } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { type AptLocation, locateInAllSuites, locateInPinnedSuite } from './apt.ts'
import { download } from './download.ts'
import { locateInSnapshot } from './snapshot.ts'
import type { Sources } from './sources.ts'

/**
 * The whole, checked archive as a local file: from the cache, else from the first place that has it: those the user
 * named, the suite of the pin, all other suites, the snapshot service. Each place that has not says so.
 */
export async function obtain(
  context: BuildContext,
  archive: PinnedArchive,
  sources: Sources,
): Promise<string> {
  const target = join(context.cache.downloads, archive.file)
  if (await isWhole(target, archive)) return target

  const answers: string[] = []
  const all = await places(context, archive, sources, target)
  for (const place of all) {
    say(`${archive.file}: asking ${place.name} ...`)
    try {
      return await place.take()
    } catch (error) {
      // No other place makes room on the disk.
      if (!(error instanceof AdvisedError) || /disk/.test(error.message)) throw error
      const { message } = error
      if (place !== all.at(-1)) warn(message.split('\n')[0]!)
      answers.push(message.startsWith(place.name) ? message : `${place.name}: ${message}`)
    }
  }
  throw new NowhereToBeHad(archive.file, answers)
}

/** No place has an archive; says what each of them answered. */
export class NowhereToBeHad extends AdvisedError {
  constructor(
    readonly file: string,
    readonly answers: readonly string[],
  ) {
    super(
      [`${file} could not be had:`, ...answers.map((answer) => `- ${answer}`)].join('\n'),
      [
        'Name a copy with --archive <path or URL>, or a service that keeps what mirrors have dropped with --snapshot <URL>.',
        'If the network failed, run the command again: what has arrived is kept.',
      ].join('\n'),
    )
    this.name = 'NowhereToBeHad'
  }
}

interface Place {
  readonly name: string
  /** Brings the archive, and gives its path. */
  take(): Promise<string>
}

async function places(
  { cache, pin }: BuildContext,
  archive: PinnedArchive,
  sources: Sources,
  target: string,
): Promise<Place[]> {
  const bring = async ({ url, proxy }: AptLocation) => {
    if (!['http:', 'https:', 'file:'].includes(url.protocol)) {
      throw new AdvisedError(
        `apt would fetch ${archive.file} by ${url.protocol} (${url}), which this script cannot.`,
        'Let apt fetch it ("apt-get source --download-only") and pass it with --archive <path>.',
      )
    }
    await download(url, target, archive, proxy ? { proxy } : {})
    return target
  }
  const found: Place[] = []
  for (const place of sources.archives) {
    const url = await matchNamed(place, archive)
    if (!url) continue
    const isLocal = url.protocol === 'file:'
    const take = () => (isLocal ? useLocal(fileURLToPath(url), archive) : bring({ url }))
    found.push({ name: place, take })
  }
  const { debian } = archive
  if (debian) {
    const ask = (locate: typeof locateInPinnedSuite) => async () => {
      await requireTools('fetch (through apt)', [tools.aptGet])
      return await bring(await locate(archive, cache.apt))
    }
    found.push({ name: `apt (${debian.suite})`, take: ask(locateInPinnedSuite) })
    found.push({ name: 'apt (all suites)', take: ask(locateInAllSuites) })
    const snapshot = sources.snapshot ?? pin.snapshot
    if (snapshot) {
      const take = async () => bring({ url: await locateInSnapshot(snapshot, archive) })
      found.push({ name: snapshot, take })
    }
  }
  if (found.length === 0) {
    const reason = 'v8.lock.json names no Debian source package for it, and no --archive is it'
    throw new NowhereToBeHad(archive.file, [reason])
  }
  return found
}

/** Fails for a named place that is meant for none of the archives: most likely a slip, which must not pass unseen. */
export async function requireNamedArchivesMatch(
  named: readonly string[],
  archives: readonly PinnedArchive[],
): Promise<void> {
  for (const place of named) {
    const matches = await Promise.all(archives.map((archive) => matchNamed(place, archive)))
    if (matches.some(Boolean)) continue
    throw new AdvisedError(
      `${place} is none of the archives v8.lock.json pins.`,
      `Wanted are: ${archives.map((archive) => archive.file).join(', ')}; a path, a URL that ends in that name, or a folder with them.`,
    )
  }
}

/** A local archive is used in place: a copy in the cache would take another gigabyte. */
async function useLocal(file: string, archive: PinnedArchive): Promise<string> {
  const { size } = await stat(file)
  const digest = await sha256OfFile(file)
  if (size === archive.size && digest === archive.sha256) return file
  throw new AdvisedError(
    `${file} is not the archive v8.lock.json pins:\n  expected ${archive.size} bytes, sha256 ${archive.sha256}\n  got      ${size} bytes, sha256 ${digest}`,
    `Name a whole copy of ${archive.file} with --archive.`,
  )
}

async function isWhole(path: string, archive: PinnedArchive): Promise<boolean> {
  const status = await stat(path).catch(() => undefined)
  if (!status) return false
  if (status.size === archive.size && (await sha256OfFile(path)) === archive.sha256) {
    return true
  }
  warn(`${path} is not the archive v8.lock.json pins; fetching it again`)
  return false
}

/**
 * Whether what the user named is meant for this archive: a folder that has a file of its name, a URL or file of its
 * name, or a file of its size under another name.
 */
async function matchNamed(place: string, archive: PinnedArchive): Promise<URL | undefined> {
  if (/^https?:\/\//.test(place)) {
    const url = new URL(place)
    return decodeURIComponent(basename(url.pathname)) === archive.file ? url : undefined
  }
  const path = place.startsWith('file:') ? fileURLToPath(place) : place
  const status = await stat(path).catch((cause) => {
    throw new AdvisedError(
      `Cannot read ${place}, which was named as an archive: ${cause.message}`,
      'Correct --archive (or V8_RAWMEM_ARCHIVE): a file, a folder with the files, or a URL.',
      { cause },
    )
  })
  if (status.isDirectory()) {
    const inside = join(path, archive.file)
    return (await stat(inside).catch(() => undefined)) ? pathToFileURL(inside) : undefined
  }
  const matches = basename(path) === archive.file || status.size === archive.size
  return matches ? pathToFileURL(path) : undefined
}

const decompressors: Record<string, string> = {
  '.xz': 'xz -d -T0',
  '.gz': 'gzip -d',
  '.zst': 'zstd -d',
}

/** The folder that all of a tar archive is in. */
export async function topFolderOf(archive: string): Promise<string> {
  const list = $({ nothrow: true, env: { ...process.env, LC_ALL: 'C' } })
  const first =
    await list`${decompressors[extname(archive)]!.split(' ')} < ${archive} | tar --list | head -n 1`
  const folder = /^([^/\n]+)\//.exec(first.stdout)?.[1]
  if (folder) return folder
  throw new AdvisedError(
    `${archive} cannot be read as a tar archive.\n${first.stderr.trim()}`,
    'It is damaged, or something else. Name a whole copy with --archive <path or URL>.',
  )
}

/**
 * Unpacks the named members (all of it when none are named) of a tar archive into `folder`. The archive's one top
 * folder is left out of the paths.
 */
export async function extract(
  archive: string,
  folder: string,
  members: readonly string[],
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { size } = await stat(archive)
  const progress = startProgress('unpack', size, 'bytes')
  let done = 0
  const meter = new Transform({
    transform(chunk, _encoding, next) {
      done += chunk.length
      progress.update(done)
      next(null, chunk)
    },
  })
  const tar = $({
    nothrow: true,
    env: { ...process.env, LC_ALL: 'C' },
  })`tar --extract --file=- --directory=${folder} --use-compress-program=${decompressors[extname(archive)]} --strip-components=1 --no-same-owner --no-same-permissions ${members}`
  // tar would go on to the end, and fail for each further file.
  tar.stderr.on('data', (chunk) => {
    if (saysDiskFull(chunk)) tar.child?.kill()
  })
  // tar's own message says more than the broken pipe it leaves when it ends early.
  const feeding = pipeline(
    createReadStream(archive, { highWaterMark: 1 << 20 }),
    meter,
    tar.stdin,
  ).catch(() => {})
  const result = await tar
  await feeding
  if (result.exitCode === 0) return progress.end()

  progress.abandon()
  // What came out is of no use, and would take the room that the user is asked to make.
  await rm(folder, { recursive: true, force: true })
  if (saysDiskFull(result.stderr)) throw diskFull(folder, `unpacking ${archive}`, result)
  throw new AdvisedError(
    `Cannot unpack ${archive}: tar ends with code ${result.exitCode}.\n${result.stderr.trim()}`,
    'If members are missing, correct "folders" or "topFolder" in v8.lock.json.',
    { cause: result },
  )
}
