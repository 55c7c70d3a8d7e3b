/** Orders versions of numbers and dots; positive when `a` is newer. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [a, b].map((version) => version.split('.').map(Number))
  for (let i = 0; i < Math.max(left!.length, right!.length); i++) {
    const difference = (left![i] ?? 0) - (right![i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** The line that a version of V8 belongs to: `15.0` of `15.0.245.13`. */
export function lineOfV8(version: string): string {
  return version.split('.').slice(0, 2).join('.')
}

/** The line of V8 in a version of Chromium: milestone 156 has V8 15.6. */
export function lineInChromium(version: string): string {
  const milestone = Number(version.split('.')[0])
  return `${Math.floor(milestone / 10)}.${milestone % 10}`
}

/** Whole days from an ISO date to now. */
export function ageInDays(date: string): number {
  return Math.floor((Date.now() - Date.parse(date)) / 86_400_000)
}
