import { readdirSync, readFileSync } from 'node:fs'

/** What a process has of the system. */
export interface Footprint {
  /** Resident memory, in bytes. */
  readonly memory: number
  readonly descriptors: number
  /** Mappings of the address space. */
  readonly maps: number
  readonly threads: number
}

/** How much more is no leak, but chance: allocators and garbage collectors keep what they had. */
export const tolerance: Readonly<Record<keyof Footprint, number>> = {
  memory: 16 * 2 ** 20,
  descriptors: 3,
  maps: 12,
  threads: 1,
}

/** Fewer say nothing. */
export const leastSamples = 8

export function footprint(): Footprint {
  return {
    memory: process.memoryUsage.rss(),
    descriptors: readdirSync('/proc/self/fd').length,
    maps: readFileSync('/proc/self/maps', 'utf8').trimEnd().split('\n').length,
    threads: readdirSync('/proc/self/task').length,
  }
}

/** How a footprint changed: the least of two quarters of a run, and the most for the last. */
export interface Trend {
  readonly second: number
  readonly last: number
  readonly most: number
  readonly isFlat: boolean
}

/**
 * Compares the last quarter of a run with its second one; in the first, caches and pools fill. The
 * least of each is compared: what comes and goes is not in it, and what only comes is.
 */
export function trends(samples: readonly Footprint[]): Record<keyof Footprint, Trend> {
  if (samples.length < leastSamples) throw new RangeError('there are too few samples')
  const quarter = Math.floor(samples.length / 4)
  const least = (from: number, to: number, what: keyof Footprint) =>
    Math.min(...samples.slice(from, to).map((sample) => sample[what]))
  const trend = (what: keyof Footprint): Trend => {
    const second = least(quarter, 2 * quarter, what)
    const last = least(3 * quarter, samples.length, what)
    const most = second + tolerance[what]
    return { second, last, most, isFlat: last <= most }
  }
  return {
    memory: trend('memory'),
    descriptors: trend('descriptors'),
    maps: trend('maps'),
    threads: trend('threads'),
  }
}
