import { readFileSync, writeFileSync } from 'node:fs'
import { backendNames, type Outcomes } from './collect-outcomes.ts'
import type { Outcome } from './conformance.ts'

const page = new URL('../../docs/backends.md', import.meta.url)
const begin = '<!-- The table begins here: npm run test:nodes -- --table -->'
const end = '<!-- The table ends here. -->'

/** What was found, by the version of Node. */
export type Findings = ReadonlyMap<string, Outcomes>

const majorOf = (version: string) => version.replace(/^v/, '').split('.', 1)[0] as string

/** One outcome for all releases, or a line for each that differs: `20, 22: –<br>24, 26: yes`. */
function cell(outcomes: ReadonlyMap<string, Outcome>): string {
  const releases = group(outcomes)
  if (releases.size === 1) return [...releases.keys()][0] as string
  return [...releases]
    .map(([outcome, versions]) => `${versions.map(majorOf).join(', ')}: ${outcome}`)
    .join('<br>')
}

function group(outcomes: ReadonlyMap<string, Outcome>): Map<Outcome, string[]> {
  const groups = new Map<Outcome, string[]>()
  for (const [version, outcome] of outcomes) {
    groups.set(outcome, [...(groups.get(outcome) ?? []), version])
  }
  return groups
}

/** Writes the table into docs/backends.md. */
export function writeTable(findings: Findings): void {
  const text = readFileSync(page, 'utf8')
  const versions = [...findings.keys()]
  const first = findings.get(versions[0] as string) as Outcomes
  const rows = [
    ['Feature', ...backendNames.map((name) => `\`${name}\``)],
    ['---', ...backendNames.map(() => '---')],
    ...Object.keys(first.patched).map((feature) => [
      feature,
      ...backendNames.map((name) =>
        cell(
          new Map(
            versions.map((version) => [version, findings.get(version)?.[name][feature] as Outcome]),
          ),
        ),
      ),
    ]),
  ]
  const table = rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
  const tested = `Tested with Node ${versions.map((version) => version.replace(/^v/, '')).join(', ')}.`
  const [before, rest] = text.split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) {
    throw new Error(`docs/backends.md has no place for the table, between "${begin}" and "${end}"`)
  }
  writeFileSync(page, `${before}${begin}\n\n${tested}\n\n${table}\n\n${end}${after}`)
}

/** What the table says of a release: by backend and feature; undefined if the release is not in it. */
export function readTable(version: string): Outcomes | undefined {
  const text = readFileSync(page, 'utf8')
  const [, table = ''] = text.slice(0, text.indexOf(end)).split(begin)
  const tested = /^Tested with Node (.*)\.$/m.exec(table)?.[1]?.split(', ') ?? []
  const major = majorOf(version)
  if (!tested.map(majorOf).includes(major)) return undefined
  const rows = table
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .slice(2)
    .map((line) => line.slice(2, -2).split(' | '))
  const column = (index: number) =>
    Object.fromEntries(rows.map((row) => [row[0], ofRelease(row[index] as string, major)]))
  return Object.fromEntries(
    backendNames.map((name, index) => [name, column(index + 1)]),
  ) as Outcomes
}

function ofRelease(text: string, major: string): Outcome {
  for (const line of text.split('<br>')) {
    const [, releases, outcome] = /^(\d+(?:, \d+)*): (.*)$/.exec(line) ?? []
    if (releases === undefined) return text
    if (releases.split(', ').includes(major)) return outcome as string
  }
  return text
}
