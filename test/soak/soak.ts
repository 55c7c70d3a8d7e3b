import { runScript, type ScriptResult } from '../support/run-script.ts'
import type { Footprint, Trend } from './footprint.ts'

export interface SoakOptions {
  readonly seed: number
  readonly milliseconds: number
  /** Each so many rounds a region is kept that nothing uses; 0: none. */
  readonly plantEvery: number
  /** Says each minute, on standard error, where the run is. */
  readonly showProgress?: boolean
}

/** What a run found, as its line of JSON. */
export interface SoakReport extends Record<keyof Footprint, Trend> {
  readonly rounds: number
  readonly planted: number
  readonly isFlat: boolean
}

export interface Soaked {
  /** Undefined if the process did not get to it. */
  readonly report: SoakReport | undefined
  readonly result: ScriptResult
}

export async function soak(options: SoakOptions): Promise<Soaked> {
  const { seed, milliseconds, plantEvery, showProgress = false } = options
  const result = await runScript(new URL('./process.ts', import.meta.url), {
    args: [seed, milliseconds, plantEvery].map(String),
    timeout: milliseconds + 300_000,
    showStderr: showProgress,
    // As many arenas as threads come and go would keep what they had.
    env: { MALLOC_ARENA_MAX: '2' },
  })
  return { report: result.exitCode === 0 ? JSON.parse(result.stdout) : undefined, result }
}
