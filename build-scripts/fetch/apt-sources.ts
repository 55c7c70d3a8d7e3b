import { z } from 'zod'

/** One entry of an apt configuration: where a repository lies and which parts of it are used. */
export interface AptEntry {
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
export type AptFile = z.infer<typeof foundSchema>

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
