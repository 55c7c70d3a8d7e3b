import type { Sources } from '../fetch/sources.ts'
import type { BuildContext } from '../shared/context.ts'
import { formatBytes, say, sayStage } from '../shared/terminal.ts'
import { type Release, survey } from './releases.ts'
import { ageInDays, lineInChromium, lineOfV8 } from './version.ts'

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
  const { releases, tags } = await survey(context, sources)
  const ours = lineOfV8(v8.version)
  const lines = groupByLine(releases)
  for (const [line, found] of lines) {
    say(`V8 ${line}${line === ours ? ', the line of the pin' : ''}:`)
    for (const release of found) say(`  ${describe(release)}`)
  }
  if (tags[0]) say(`Newest tag in V8's repository on this branch: ${tags[0]}`)
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
