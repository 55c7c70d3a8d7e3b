import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { PinnedArchive } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'

/** Where this machine's apt would fetch an archive from. */
export interface AptLocation {
  readonly url: URL
  /** The proxy this machine's apt is set to use, if any. */
  readonly proxy?: string
}

/** Debian's suites under the names that outlive a release. */
const allSuites = ['oldstable', 'stable', 'testing', 'unstable'] as const

/** Where to find an archive, by the suite that its pin names. */
export async function locateInPinnedSuite(
  archive: PinnedArchive,
  folder: string,
): Promise<AptLocation> {
  const { package: name, version, suite } = requireDebian(archive)
  const apt = await openApt([suite], join(folder, suite))
  const files = await apt.files(name, version)
  return await matching(archive, apt, files, `suite ${suite}`)
}

/** The same in all suites: several may carry one archive under different versions of the package. */
export async function locateInAllSuites(
  archive: PinnedArchive,
  folder: string,
): Promise<AptLocation> {
  const { package: name, version } = requireDebian(archive)
  const apt = await openApt(allSuites, join(folder, 'all'))
  const files: AptFile[] = []
  for (const listed of await apt.versions(name)) {
    if (upstreamVersion(listed.version) !== upstreamVersion(version)) continue
    files.push(...(await apt.files(name, listed.version)))
  }
  return await matching(archive, apt, files, 'any suite')
}

/** A version of a source package, and the suites that list it. */
export interface ListedVersion {
  readonly version: string
  readonly suites: readonly string[]
  /** The file that holds the source as upstream released it. */
  readonly file: AptFile
}

/** What all suites that this machine's apt can reach list of a source package. */
export async function listPackage(
  name: string,
  folder: string,
): Promise<{
  listed: ListedVersion[]
  /** Whether any mirror answered; lists of an earlier time are read in either case. */
  refreshed: boolean
  /** What apt says of lists that it could not refresh. */
  complaints: readonly string[]
  proxy?: string
}> {
  const apt = await openApt(allSuites, join(folder, 'all'))
  const listed: ListedVersion[] = []
  for (const { version, suites } of await apt.versions(name)) {
    const original = `${name}_${upstreamVersion(version)}.orig.tar.`
    const file = (await apt.files(name, version)).find((one) => one.file.startsWith(original))
    if (file) listed.push({ version, suites, file })
  }
  const { refreshed, complaints } = apt
  return { listed, refreshed, complaints, ...(await machineProxy()) }
}

function requireDebian(archive: PinnedArchive) {
  if (archive.debian) return archive.debian
  throw new AdvisedError(
    `v8.lock.json names no Debian source package for ${archive.file}.`,
    'Name a copy with --archive <path or URL>.',
  )
}

/** The part of a package's version that upstream gave it: `150.0.7871.100` of `150.0.7871.100-1~deb12u1`. */
function upstreamVersion(version: string): string {
  return version.replace(/^\d+:/, '').replace(/-[^-]*$/, '')
}

async function matching(
  archive: PinnedArchive,
  apt: PrivateApt,
  files: readonly AptFile[],
  where: string,
): Promise<AptLocation> {
  const found = files.filter(({ file }) => file === archive.file)
  const right = found.find(({ sha256 }) => sha256 === undefined || sha256 === archive.sha256)
  if (right) return { url: new URL(right.uri), ...(await machineProxy()) }
  if (found[0]) {
    throw new AdvisedError(
      `apt offers another ${archive.file} than v8.lock.json pins: sha256 ${found[0].sha256} instead of ${archive.sha256}.`,
      carriedByHand,
    )
  }
  const { package: name, version } = requireDebian(archive)
  throw new AdvisedError(
    [`apt finds no ${archive.file} (source package ${name} ${version}) in ${where}.`]
      .concat(apt.complaints)
      .join('\n'),
    `Mirrors drop a version some time after its successor is out.\n${carriedByHand}`,
  )
}

const carriedByHand = 'Or name a copy with --archive <path or URL>.'

/** apt with lists of its own. */
interface PrivateApt {
  /** Whether any mirror answered when the lists were to be refreshed. */
  readonly refreshed: boolean
  /** What it said while it refreshed the lists. */
  readonly complaints: readonly string[]
  versions(name: string): Promise<Omit<ListedVersion, 'file'>[]>
  files(name: string, version: string): Promise<AptFile[]>
}

/**
 * apt over some of Debian's suites. Nothing of the machine's own apt state is touched: the derived deb-src entries, the
 * lists and the cache lie in `folder`; keys, proxies and credentials are the machine's.
 */
async function openApt(suites: readonly string[], folder: string): Promise<PrivateApt> {
  const entries = await deriveEntries(suites)
  if (entries.size === 0) {
    throw new AdvisedError(
      "This machine's apt configuration has no entry for Debian, so nothing can be fetched through apt.",
      'Fetch the source package on a machine that has one ("apt-get source --download-only --tar-only <package>") and pass it with --archive <path>.',
    )
  }
  const apt = await preparePrivateApt(folder, [...entries.values()])
  // A mirror that lacks one of the suites makes the update fail, which does not matter when another carries the package.
  const update = await apt.run('apt-get', ['update', '--allow-releaseinfo-change'])
  const complaints = errorLines(update.stderr)
  const names = new Map<string, string>()
  const targets = await apt.run('apt-get', [
    ...['indextargets', '--format', '$(RELEASE) $(CODENAME)', 'Created-By: Sources'],
  ])
  for (const line of targets.stdout.split('\n')) {
    const [release, codename] = line.split(' ')
    if (release && codename) names.set(release, codename)
  }
  return {
    refreshed: /^(Hit|Get):/m.test(update.stdout),
    complaints,
    async versions(name) {
      const printed = await apt.run('apt-cache', ['madison', name])
      return parseMadison(printed.stdout).map(({ version, suites }) => ({
        version,
        suites: suites.map((suite) => names.get(suite) ?? suite),
      }))
    },
    async files(name, version) {
      const options = ['--print-uris', '--download-only', '--tar-only']
      const printed = await apt.run('apt-get', [...options, 'source', `${name}=${version}`])
      return parsePrintedUris(printed.stdout)
    },
  }
}

/** The source entries for suites that sources.list and sources.list.d lead to, wherever this machine's apt keeps them. */
async function deriveEntries(suites: readonly string[]): Promise<Map<string, string>> {
  const shell = await $`apt-config shell LIST Dir::Etc::sourcelist/f PARTS Dir::Etc::sourceparts/d`
  const place = (name: string) =>
    new RegExp(`^${name}='(.*)'$`, 'm').exec(shell.stdout)?.[1] ?? '/nonexistent'
  const parts = place('PARTS')
  const names = (await readdir(parts).catch(() => [])).sort()
  const entries = new Map<string, string>()
  for (const file of [place('LIST'), ...names.map((name) => join(parts, name))]) {
    const text = await readFile(file, 'utf8').catch(() => '')
    for (const suite of suites) {
      for (const [key, entry] of deriveSourceEntries(file, text, suite))
        entries.set(key, entries.get(key) ?? entry)
    }
  }
  return entries
}

async function machineProxy(): Promise<{ proxy?: string }> {
  const shell = await $`apt-config shell PROXY Acquire::http::Proxy`
  const proxy = /^PROXY='(.+)'$/m.exec(shell.stdout)?.[1]
  return proxy && proxy !== 'DIRECT' ? { proxy } : {}
}

async function preparePrivateApt(folder: string, entries: readonly string[]) {
  const parts = join(folder, 'sources')
  // Entries of an earlier run must not linger; the lists may, apt refreshes them.
  await rm(parts, { recursive: true, force: true })
  await mkdir(parts, { recursive: true })
  await mkdir(join(folder, 'lists', 'partial'), { recursive: true })
  await mkdir(join(folder, 'cache', 'archives', 'partial'), { recursive: true })
  await writeFile(join(parts, 'derived.sources'), `${entries.join('\n\n')}\n`)
  const options = [
    'Dir::Etc::SourceList=/dev/null',
    `Dir::Etc::SourceParts=${parts}`,
    `Dir::State::Lists=${join(folder, 'lists')}`,
    `Dir::Cache=${join(folder, 'cache')}`,
    'Acquire::Languages=none',
    // Package contents and the like, which some machines have apt fetch as well.
    'Acquire::IndexTargets::deb-src::Contents-deb::DefaultEnabled=false',
  ].flatMap((option) => ['-o', option])
  const shell = $({ nothrow: true, env: { ...process.env, LC_ALL: 'C' } })
  return { run: (tool: string, args: string[]) => shell`${tool} ${options} ${args}` }
}

/** What apt says of why, without its summary and what has no bearing on it. */
function errorLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^(E:|W: (GPG|Failed to fetch))/.test(line))
    .filter((line) => !/: Some index files failed/.test(line))
    .map((line) => `apt: ${line.slice(3)}`)
}

// Debian's releases since 10, and the names that stand for some release.
const debianSuite =
  /^(buster|bullseye|bookworm|trixie|forky|duke|sid|unstable|testing|stable|oldstable|oldoldstable)([-/].*)?$/

/**
 * The source entries for `suite` that a file of this machine's apt leads to, in apt's deb822 format: the same mirrors, the
 * same keys, the suite put in place of theirs. Entries of other distributions and of other vendors are left out.
 *
 * @param file its name, which tells the format that it is in
 * @returns the entries, by what they have one of
 */
export function deriveSourceEntries(file: string, text: string, suite: string) {
  const derived = new Map<string, string>()
  for (const stanza of stanzasOf(file, text)) {
    const field = (name: string) =>
      new RegExp(`^${name}:(.*(?:\n[ \t].*)*)`, 'im').exec(stanza)?.[1]?.trim() ?? ''
    if (/^(no|false|0|off)$/i.test(field('Enabled'))) continue
    if (!field('Components').split(/\s+/).includes('main')) continue
    const suites = suitesFor(suite, field('Suites').split(/\s+/))
    if (suites.length === 0) continue
    const changed: Record<string, string> = {
      Types: 'deb-src',
      Suites: suites.join(' '),
      Components: 'main',
    }
    const entry = Object.entries(changed).reduce(
      (entry, [name, value]) =>
        entry.replace(new RegExp(`^${name}:.*(?:\n[ \t].*)*`, 'im'), `${name}: ${value}`),
      stanza,
    )
    const key = `${field('URIs')} ${suites}`
    // Several may differ in their options, and the first has those of binary packages.
    derived.set(key, derived.get(key) ?? entry.trimEnd())
  }
  return derived
}

/** What a file of an apt configuration has, in the deb822 format (`*.sources`), or brought into it (`*.list`). */
function stanzasOf(file: string, text: string): string[] {
  if (file.endsWith('.sources')) return text.split(/\n[ \t]*\n/)
  if (!file.endsWith('.list')) return []
  const lines = text.matchAll(/^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)([^#\n]*)/gm)
  return [...lines].map(([, options = '', uri, suite, components]) => {
    const trust = [...options.matchAll(/(?:^|\s)(signed-by|trusted)=(\S+)/gi)]
    return [
      ...['Types: deb', `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components!.trim()}`],
      ...trust.map(([, name, value]) => `${name}: ${value}`),
    ].join('\n')
  })
}

/** The suites that go with one where these of another release are used. */
function suitesFor(suite: string, used: readonly string[]): string[] {
  const debian = used.filter((name) => debianSuite.test(name))
  const isSecurity = (name: string) => /-security$|\/updates$/.test(name)
  // What is under development has neither updates nor security updates.
  const released = !/^(sid|unstable)$/.test(suite)
  return [
    ...(debian.some((name) => !isSecurity(name)) ? [suite] : []),
    ...(debian.some((name) => !isSecurity(name)) && released ? [`${suite}-updates`] : []),
    ...(debian.some(isSecurity) && released ? [`${suite}-security`] : []),
  ]
}

const foundSchema = z.object({
  uri: z.url(),
  file: z.string(),
  size: z.int(),
  sha256: z.string().optional(),
})

/** One file of a source package, as `apt-get --print-uris source` names it. */
export type AptFile = z.infer<typeof foundSchema>

/** Reads what `apt-cache madison` prints of source packages: `name | version | mirror suite/component Sources`. */
export function parseMadison(text: string): { version: string; suites: string[] }[] {
  const found = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const match = /^ *\S+ \| (\S+) \| \S+ (\S+)\/\S+ Sources$/.exec(line)
    if (!match) continue
    const [, version, suite] = match
    found.set(version!, [...(found.get(version!) ?? []), suite!])
  }
  return [...found].map(([version, suites]) => ({ version, suites }))
}

/** Reads what `apt-get --print-uris` prints: `'URI' name size SHA256:digest`. */
export function parsePrintedUris(text: string): AptFile[] {
  const files: AptFile[] = []
  for (const line of text.split('\n')) {
    const match = /^'([^']+)' (\S+) (\d+)(?: SHA256:([0-9a-f]{64}))?/.exec(line)
    if (!match) continue
    const [, uri, file, size, sha256] = match
    files.push(foundSchema.parse({ uri, file, size: Number(size), sha256 }))
  }
  return files
}
