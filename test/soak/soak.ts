import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { compilePackage } from '../support/compiled-package.ts'
import { runScript, type ScriptResult } from '../support/run-script.ts'
import type { Footprint, Trend } from './footprint.ts'

export interface SoakOptions {
  readonly seed: number
  readonly milliseconds: number
  /** Each so many rounds a region is kept that nothing uses; 0: none. */
  readonly plantEvery: number
  /** Says each minute, on standard error, where the run is. */
  readonly showProgress?: boolean
  /** Ends the process when it aborts. */
  readonly signal?: AbortSignal
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

const repository = new URL('../../', import.meta.url)

/**
 * The process and its workers in JavaScript, beside the package as it is published. On Node 20, each
 * thread that loads TypeScript leaves most of a kilobyte for good, which in an hour is a leak.
 */
async function compileProcess(folder: string): Promise<URL> {
  await build({
    absWorkingDir: fileURLToPath(repository),
    entryPoints: ['test/soak/process.ts', 'test/fuzz/api/worker.ts'],
    outdir: folder,
    outbase: '.',
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
    logLevel: 'warning',
  })
  return pathToFileURL(join(folder, 'test/soak/process.js'))
}

export async function soak(options: SoakOptions): Promise<Soaked> {
  const { seed, milliseconds, plantEvery, showProgress = false, signal } = options
  const folder = dirname(compilePackage().dist)
  const result = await runScript(await compileProcess(folder), {
    args: [seed, milliseconds, plantEvery].map(String),
    timeout: milliseconds + 300_000,
    showStderr: showProgress,
    env: {
      // As many arenas as threads come and go would keep what they had.
      MALLOC_ARENA_MAX: '2',
      // Goes with the package, however the process ends.
      TMPDIR: folder,
    },
    signal,
  })
  return { report: result.exitCode === 0 ? JSON.parse(result.stdout) : undefined, result }
}
