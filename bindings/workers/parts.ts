import { setImmediate as nextTurn } from 'node:timers/promises'
import type { HostRegion } from '../../types/host-region.d.ts'

/** Where parts of regions may begin. */
export type Boundary =
  /** After so many bytes, by region; null where every part has the whole region. */
  | { readonly recordBytes: readonly (number | null)[] }
  /** After this byte, in the only region. */
  | { readonly delimiter: number }

/** What one thread sees of each region: bytes from `begin` to `end`. */
export type Part = readonly ({ readonly begin: number; readonly end: number } | null)[]

/** Bytes to search before the event loop gets a turn: some milliseconds if they are in memory. */
const longestSearch = 32 * 2 ** 20
const firstSearch = 64 * 1024

/** Position after the first `delimiter` at or after `begin`; the region's end if there is none. */
async function afterDelimiter(
  region: HostRegion,
  delimiter: number,
  begin: number,
  signal: AbortSignal | undefined,
): Promise<number> {
  let length = firstSearch
  for (let at = begin; at < region.byteLength; length = Math.min(length * 2, longestSearch)) {
    const part = region.subarray(at, at + length)
    const bytes = part.view(Uint8Array)
    const { buffer, byteOffset, byteLength } = bytes
    // Buffer's indexOf is vectorised, Uint8Array's is not.
    const found = Buffer.from(buffer, byteOffset, byteLength).indexOf(delimiter)
    part.close()
    if (found >= 0) return at + found + 1
    at += byteLength
    await nextTurn()
    signal?.throwIfAborted()
  }
  return region.byteLength
}

async function delimiterBoundaries(
  region: HostRegion,
  delimiter: number,
  count: number,
  signal: AbortSignal | undefined,
): Promise<number[]> {
  const boundaries: number[] = []
  let last = 0
  for (let i = 1; i < count; ++i) {
    const target = Math.floor((region.byteLength * i) / count)
    // A delimiter right before the target also works.
    if (target > last) last = await afterDelimiter(region, delimiter, target - 1, signal)
    boundaries.push(last)
  }
  return boundaries
}

/** How many whole records the regions have that are divided: the same in all. */
function recordCount(
  regions: readonly (HostRegion | null)[],
  recordBytes: readonly (number | null)[],
): number {
  const counts = regions.map((region, i) => {
    const bytes = recordBytes[i]
    return region === null || bytes === null || bytes === undefined
      ? undefined
      : Math.floor(region.byteLength / bytes)
  })
  const known = counts.filter((count) => count !== undefined)
  const [first = 0] = known
  if (known.some((count) => count !== first)) {
    throw new RangeError(
      `recordBytes: the regions must have the same number of records; they have ${counts
        .map((count, i) => `${count ?? 'none'} of ${recordBytes[i] ?? 0} bytes`)
        .join(
          ', ',
        )}. Give the bytes of a record for each region; null for a region that every thread sees whole`,
    )
  }
  return first
}

/**
 * Where parts after the first begin, by region. Bytes that are left over belong to the last part.
 */
async function boundaries(
  regions: readonly (HostRegion | null)[],
  boundary: Boundary,
  count: number,
  signal: AbortSignal | undefined,
): Promise<(number[] | null)[]> {
  if (count === 1) return regions.map((region) => region && [])
  if ('delimiter' in boundary) {
    return [await delimiterBoundaries(regions[0]!, boundary.delimiter, count, signal)]
  }
  const { recordBytes } = boundary
  const records = recordCount(regions, recordBytes)
  const firsts = Array.from({ length: count - 1 }, (_, i) =>
    Math.floor((records * (i + 1)) / count),
  )
  return regions.map((region, i) => {
    const bytes = recordBytes[i]
    if (region === null || bytes === null || bytes === undefined) return null
    return firsts.map((first) => first * bytes)
  })
}

/**
 * Cuts regions into `count` parts of about the same size, in their order: the same regions into the
 * same parts, always. Parts are empty where there are fewer records than parts; the last one has
 * something of every region that has anything.
 */
export async function cut(
  regions: readonly (HostRegion | null)[],
  boundary: Boundary,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Part[]> {
  const cuts = await boundaries(regions, boundary, count, signal)
  return Array.from({ length: count }, (_, part) =>
    regions.map((region, i) => {
      if (region === null) return null
      const begins = cuts[i]
      if (!begins) return { begin: 0, end: region.byteLength }
      return { begin: begins[part - 1] ?? 0, end: begins[part] ?? region.byteLength }
    }),
  )
}

/** Whether a part has nothing of the regions that are divided. */
export function isEmpty(part: Part, boundary: Boundary): boolean {
  return part.every((bytes, i) => {
    const isWhole = 'recordBytes' in boundary && boundary.recordBytes[i] === null
    return bytes === null || isWhole || bytes.begin === bytes.end
  })
}

/**
 * Divides regions into at most `count` parts of about the same size, in their order. Each part has
 * something of a region that is divided; where that is empty, there is one part.
 */
export async function divide(
  regions: readonly (HostRegion | null)[],
  boundary: Boundary,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Part[]> {
  const parts = await cut(regions, boundary, count, signal)
  const filled = parts.filter((part) => !isEmpty(part, boundary))
  return filled.length > 0 ? filled : parts.slice(-1)
}
