import type { HostRegion } from 'v8-rawmem'
import type { Native } from './native/native.ts'
import type { Race } from './race.ts'

/** How much there is to go through, in bytes. */
export interface Sizes {
  /** A column that is summed up. */
  readonly column: number
  /** One that fits into the processor's cache. */
  readonly cached: number
  /** What WebAssembly sees of a column at a time. */
  readonly window: number
  /** A window that fits into the processor's cache, for those that copy. */
  readonly smallWindow: number
  /** Rows of TPC-H's lineitem. */
  readonly lineitem: number
  /** Windows that are switched to. */
  readonly switched: readonly number[]
  /** Columns of growing size, filled. */
  readonly resident: readonly number[]
  /** Columns that are larger than memory: one window of data, again and again. */
  readonly repeated: readonly number[]
  /** A program's whole data, for programs that run once. */
  readonly cold: readonly number[]
}

/** What the suites work with. */
export interface BenchContext {
  readonly sizes: Sizes
  /** Undefined where there is no C++ compiler. */
  readonly native: Native | undefined
  readonly rounds: number
  readonly quick: boolean
  /** A folder for files, deleted at the end. */
  readonly scratch: string
  readonly signal: AbortSignal
  /** Runs the contenders in turns; the rows become part of the results. */
  race(race: Race, rounds?: number): Promise<void>
  /** Says what is left out, or made smaller, and why. */
  remark(text: string): void
  /**
   * As many of `bytes` as there is room for, in steps of halves, when `times` as many are needed in
   * all. Says so where that is less.
   */
  fit(bytes: number, times: number, what: string): number
}

/** A part of the benchmark, which can be run alone. */
export interface Suite {
  readonly name: string
  readonly title: string
  run(context: BenchContext): Promise<void>
}

/** Closes the region however `work` ends. */
export async function withRegion<T>(
  region: HostRegion,
  work: (region: HostRegion) => Promise<T>,
): Promise<T> {
  try {
    return await work(region)
  } finally {
    region.close()
  }
}
