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
