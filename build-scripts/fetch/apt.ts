import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import type { PinnedArchive } from '../pin.ts'
import {
  type AptEntry,
  deriveSourceEntries,
  formatDeb822,
  parseDeb822,
  parseOneLine,
  parsePrintedUris,
} from './apt-sources.ts'

/** Where this machine's apt would fetch an archive from. */
export interface AptLocation {
  readonly url: URL
  /** The proxy this machine's apt is set to use, if any. */
  readonly proxy?: string
}

const carriedByHand = 'Or name a copy with --archive <path or URL>.'

/**
 * Asks apt for the address of a pinned archive. Nothing of the machine's own apt state is touched: the derived
 * deb-src entries, the lists and the cache lie in `folder`; keys, proxies and credentials are the machine's.
 */
export async function locateWithApt(
  archive: PinnedArchive,
  folder: string,
  signal: AbortSignal,
): Promise<AptLocation> {
  if (!archive.debian) {
    throw new BuildError(
      `v8.lock.json names no Debian source package for ${archive.file}.`,
      'Name a copy with --archive <path or URL>.',
    )
  }
  const { package: name, version, suite } = archive.debian
  const entries = deriveSourceEntries(await machineEntries(), suite)
  if (entries.length === 0) {
    throw new BuildError(
      `This machine's apt configuration has no entry for Debian, so ${archive.file} cannot be fetched through apt.`,
      `Fetch it on a machine that has one ("apt-get source --download-only --tar-only ${name}=${version}", suite ${suite}) and pass it with --archive <path>.`,
    )
  }
  const apt = await preparePrivateApt(join(folder, suite), entries, signal)
  // A mirror that lacks one of the suites makes the update fail, which does not matter when another carries the package.
  const update = await apt.run(['update'])
  const printed = await apt.run([
    '--print-uris',
    '--download-only',
    '--tar-only',
    'source',
    `${name}=${version}`,
  ])
  const found = parsePrintedUris(printed.stdout).find((file) => file.file === archive.file)
  if (!found) {
    const said = [update, printed].flatMap((output) => errorLines(output.stderr)).join('\n')
    throw new BuildError(
      `apt finds no ${archive.file} (source package ${name} ${version}, suite ${suite}).\n${said}`,
      `Mirrors drop a version some time after its successor is out.\n${carriedByHand}`,
    )
  }
  if (found.sha256 !== undefined && found.sha256 !== archive.sha256) {
    throw new BuildError(
      `apt offers another ${archive.file} than v8.lock.json pins: sha256 ${found.sha256} instead of ${archive.sha256}.`,
      carriedByHand,
    )
  }
  return { url: new URL(found.uri), ...(await machineProxy()) }
}

/** The entries of sources.list and sources.list.d, wherever this machine's apt keeps them. */
async function machineEntries(): Promise<AptEntry[]> {
  const shell = await $({
    quiet: true,
  })`apt-config shell LIST Dir::Etc::sourcelist/f PARTS Dir::Etc::sourceparts/d`
  const place = (name: string) =>
    new RegExp(`^${name}='(.*)'$`, 'm').exec(shell.stdout)?.[1] ?? '/nonexistent'
  const parts = place('PARTS')
  const files = [place('LIST'), ...(await listFolder(parts)).map((name) => join(parts, name))]
  const entries: AptEntry[] = []
  for (const file of files) {
    const text = await readFile(file, 'utf8').catch(() => '')
    if (file.endsWith('.sources')) entries.push(...parseDeb822(text))
    else if (file.endsWith('.list')) entries.push(...parseOneLine(text))
  }
  return entries
}

async function listFolder(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort()
}

async function machineProxy(): Promise<{ proxy?: string }> {
  const shell = await $({ quiet: true })`apt-config shell PROXY Acquire::http::Proxy`
  const proxy = /^PROXY='(.+)'$/m.exec(shell.stdout)?.[1]
  return proxy && proxy !== 'DIRECT' ? { proxy } : {}
}

async function preparePrivateApt(folder: string, entries: AptEntry[], signal: AbortSignal) {
  const parts = join(folder, 'sources')
  // Entries of an earlier run must not linger; the lists may, apt refreshes them.
  await rm(parts, { recursive: true, force: true })
  await mkdir(parts, { recursive: true })
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true })
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
  await writeFile(join(parts, 'derived.sources'), formatDeb822(entries))
  const options = [
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${parts}`,
    `Dir::State::Lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'Acquire::Languages=none',
    // Package contents and the like, which some machines have apt fetch as well.
    'Acquire::IndexTargets::deb-src::Contents-deb::DefaultEnabled=false',
  ].flatMap((option) => ['-o', option])
  const shell = $({
    quiet: true,
    nothrow: true,
    signal,
    env: { ...process.env, LC_ALL: 'C' },
  })
  return { run: (args: string[]) => shell`apt-get ${options} ${args}` }
}

function errorLines(text: string): string[] {
  return text.split('\n').filter((line) => /^[EW]:/.test(line))
}
