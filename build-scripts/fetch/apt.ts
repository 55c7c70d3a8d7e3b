import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BuildError } from '../shared/build-error.ts'
import type { PinnedArchive } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'

/** Where this machine's apt would fetch an archive from. */
interface AptLocation {
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
  const shell = await $(
    {},
  )`apt-config shell LIST Dir::Etc::sourcelist/f PARTS Dir::Etc::sourceparts/d`
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
  const shell = await $`apt-config shell PROXY Acquire::http::Proxy`
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
  const shell = $({ nothrow: true, signal, env: { ...process.env, LC_ALL: 'C' } })
  return { run: (args: string[]) => shell`apt-get ${options} ${args}` }
}

function errorLines(text: string): string[] {
  return text.split('\n').filter((line) => /^[EW]:/.test(line))
}

/** One entry of an apt configuration: where a repository lies and which parts of it are used. */
interface AptEntry {
  readonly types: readonly string[]
  readonly uris: readonly string[]
  readonly suites: readonly string[]
  readonly components: readonly string[]
  /** A keyring's path, a fingerprint, or a whole key (several lines). */
  readonly signedBy?: string
  readonly trusted?: string
}

/** Reads a file in apt's deb822 format (`*.sources`). Disabled stanzas are left out. */
export function parseDeb822(text: string): AptEntry[] {
  return text
    .split(/\n[ \t]*\n/)
    .map(parseStanza)
    .filter(
      (fields) => fields.has('uris') && !/^(no|false|0|off)$/i.test(fields.get('enabled') ?? ''),
    )
    .map((fields) => ({
      types: words(fields.get('types')),
      uris: words(fields.get('uris')),
      suites: words(fields.get('suites')),
      components: words(fields.get('components')),
      ...trust(fields.get('signed-by'), fields.get('trusted')),
    }))
}

function parseStanza(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  let last = ''
  for (const line of stanza.split('\n')) {
    if (line.startsWith('#')) continue
    const field = /^([^\s:]+):[ \t]*(.*)$/.exec(line)
    if (field) {
      last = field[1]!.toLowerCase()
      fields.set(last, field[2]!)
    } else if (last && /^[ \t]/.test(line)) {
      fields.set(last, `${fields.get(last)}\n${line}`)
    }
  }
  return fields
}

/** Reads a file in apt's one-line format (`sources.list`, `*.list`). */
export function parseOneLine(text: string): AptEntry[] {
  const entries: AptEntry[] = []
  for (const line of text.split('\n')) {
    const match = /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#]*)/.exec(line)
    if (!match) continue
    const [, type, options = '', uri, suite, components] = match
    const option = (name: string) => new RegExp(`(?:^|\\s)${name}=(\\S+)`, 'i').exec(options)?.[1]
    entries.push({
      types: [type!],
      uris: [uri!],
      suites: [suite!],
      components: words(components),
      ...trust(option('signed-by'), option('trusted')),
    })
  }
  return entries
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter(Boolean)
}

function trust(signedBy: string | undefined, trusted: string | undefined) {
  return { ...(signedBy ? { signedBy } : {}), ...(trusted ? { trusted } : {}) }
}

// Debian's releases since 10, and the names that stand for some release.
const debianSuite =
  /^(buster|bullseye|bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable|oldoldstable)([-/].*)?$/

/**
 * The source entries for `suite` that this machine's own entries lead to: the same mirrors, the same keys, the suite
 * put in place of theirs. Entries of other distributions and of other vendors are left out.
 */
export function deriveSourceEntries(entries: readonly AptEntry[], suite: string): AptEntry[] {
  const derived = new Map<string, AptEntry>()
  for (const entry of entries) {
    const suites = entry.suites.filter((name) => debianSuite.test(name))
    if (suites.length === 0 || !entry.components.includes('main')) continue
    const regular = suites.some((name) => !isSecurity(name))
    const security = suites.some(isSecurity)
    const wanted = [
      ...(regular ? [suite, `${suite}-updates`] : []),
      ...(security ? [`${suite}-security`] : []),
    ]
    const source = { ...entry, types: ['deb-src'], suites: wanted, components: ['main'] }
    derived.set(JSON.stringify([source.uris, wanted]), source)
  }
  return [...derived.values()]
}

function isSecurity(suite: string): boolean {
  return /-security$|\/updates$/.test(suite)
}

/** Writes entries in the deb822 format. */
export function formatDeb822(entries: readonly AptEntry[]): string {
  return entries
    .map((entry) =>
      [
        `Types: ${entry.types.join(' ')}`,
        `URIs: ${entry.uris.join(' ')}`,
        `Suites: ${entry.suites.join(' ')}`,
        `Components: ${entry.components.join(' ')}`,
        ...(entry.signedBy ? [`Signed-By: ${entry.signedBy}`] : []),
        ...(entry.trusted ? [`Trusted: ${entry.trusted}`] : []),
      ].join('\n'),
    )
    .join('\n\n')
    .concat('\n')
}

const foundSchema = z.object({ uri: z.url(), file: z.string(), sha256: z.string().optional() })

/** One file of a source package, as `apt-get --print-uris source` names it. */
type AptFile = z.infer<typeof foundSchema>

/** Reads what `apt-get --print-uris` prints: `'URI' name size SHA256:digest`. */
export function parsePrintedUris(text: string): AptFile[] {
  const files: AptFile[] = []
  for (const line of text.split('\n')) {
    const match = /^'([^']+)' (\S+) \d+(?: SHA256:([0-9a-f]{64}))?/.exec(line)
    if (!match) continue
    files.push(foundSchema.parse({ uri: match[1], file: match[2], sha256: match[3] }))
  }
  return files
}
