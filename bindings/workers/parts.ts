import { setImmediate as nextTurn } from 'node:timers/promises'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { Boundary } from './options.ts'

/** Bytes of a part of a region. */
export interface Part {
  readonly begin: number
  readonly end: number
}

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

function recordBoundaries(byteLength: number, recordBytes: number, count: number): number[] {
  const records = Math.floor(byteLength / recordBytes)
  // The rest belongs to the last part.
  return Array.from(
    { length: count - 1 },
    (_, i) => Math.floor((records * (i + 1)) / count) * recordBytes,
  )
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

/**
 * Divides a region into at most `count` parts of about the same size, none of them empty, in their
 * order; an empty region into one.
 */
export async function divide(
  region: HostRegion,
  boundary: Boundary,
  count: number,
  signal: AbortSignal | undefined,
): Promise<Part[]> {
  const { byteLength } = region
  const boundaries =
    'delimiter' in boundary
      ? await delimiterBoundaries(region, boundary.delimiter, count, signal)
      : recordBoundaries(byteLength, boundary.recordBytes, count)
  const parts: Part[] = []
  let begin = 0
  for (const end of [...boundaries, byteLength]) {
    if (end > begin) parts.push({ begin, end })
    begin = end
  }
  return parts.length > 0 ? parts : [{ begin: 0, end: 0 }]
}
