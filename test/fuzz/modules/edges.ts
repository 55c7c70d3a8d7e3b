import type { Call, Case } from './case.ts'
import { Reference } from './reference.ts'
import { regionOn, type Terrain } from './terrain.ts'

/** Of each parameter, at most. */
const mostEdges = 6

/**
 * The case with calls that are at an edge: the program just traps or just does not, and with the next parameter it is the other
 * way round. An access then ends at the last byte of a place or beyond, whatever the program does with the parameter, and no
 * other access traps before. Found by bisection in the reference.
 *
 * Regions become larger where the backend takes any, so that what traps ends one byte beyond and no further.
 *
 * @returns undefined if no such call traps at the end of a region
 */
export function withEdges(tested: Case, terrain: Terrain): Case | undefined {
  const edges = findEdges(tested)
  const excess = excesses(tested, edges)
  if (excess.size === 0) return undefined
  const regions = tested.regions.map(({ length, gap }, index) =>
    regionOn(terrain, { length: length + (excess.get(index) ?? 1) - 1, gap }),
  )
  const calls = [...edges, ...tested.calls].slice(0, tested.calls.length)
  const isAnyLength = terrain.anyRegion && !terrain.trusted
  return { ...tested, calls, regions: isAnyLength ? regions : tested.regions }
}

function findEdges(tested: Case): Call[] {
  const reference = new Reference(tested)
  const traps = (a: bigint, b: bigint) => isOutOfBounds(reference.run(a, b).result)
  const calls = tested.calls.map(([a, b]) => [BigInt(a), BigInt(b)] as const)
  const [a, b] = calls.find(([a, b]) => !traps(a, b)) ?? calls[0] ?? [0n, 0n]
  // Others would be unaligned.
  const unit = JSON.stringify(tested.functions).includes('atomic') ? 8n : 1n
  const edgesOf = (numbers: readonly bigint[], trapsAt: (number: bigint) => boolean) =>
    bisect(
      numbers.map((number) => number / unit),
      (units) => trapsAt(units * unit),
    ).map((units) => units * unit)
  return [
    ...edgesOf(
      calls.map(([a]) => a),
      (a) => traps(a, b),
    ).map((a): Call => [String(a), String(b)]),
    ...edgesOf(
      calls.map(([, b]) => b),
      (b) => traps(a, b),
    ).map((b): Call => [String(a), String(b)]),
  ]
}

/** Neighbours that differ in whether they trap, between numbers that do. */
function bisect(numbers: readonly bigint[], traps: (number: bigint) => boolean): bigint[] {
  const tried = [...new Set([0n, ...numbers])].sort((one, other) => (one < other ? -1 : 1))
  const trapped = tried.map(traps)
  const edges = [...tried.keys()].filter((i) => i > 0 && trapped[i] !== trapped[i - 1])
  return edges.slice(0, mostEdges).flatMap((i) => {
    let [low, high] = [tried[i - 1]!, tried[i]!]
    while (high - low > 1n) {
      const middle = (low + high) / 2n
      if (traps(middle) === trapped[i]) high = middle
      else low = middle
    }
    return [low, high]
  })
}

/** By how many bytes the first call that traps at a region goes beyond its end, by the region's index. */
function excesses(tested: Case, calls: readonly Call[]): Map<number, number> {
  const reference = new Reference(tested)
  const found = new Map<number, number>()
  for (const [a, b] of calls) {
    if (!isOutOfBounds(reference.run(BigInt(a), BigInt(b)).result)) continue
    const { region = -1, bytes = 0 } = reference.beyond ?? {}
    // Further than an access is wide, the address itself is elsewhere.
    if (region >= 0 && bytes <= 16 && !found.has(region)) found.set(region, bytes)
  }
  return found
}

function isOutOfBounds(result: string): boolean {
  return result === 'out of bounds' || result === 'either'
}
