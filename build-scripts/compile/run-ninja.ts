import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { compilerEnvironment } from '../compiler-environment.ts'
import { diskFull, saysDiskFull } from '../disk.ts'
import { startProgress } from '../progress.ts'
import { forLog, NinjaOutput, ninjaStatus } from './ninja-output.ts'

/** What is to be built, and how. */
export interface NinjaRun {
  /** What the bar calls it. */
  readonly title: string
  readonly folder: string
  readonly targets: readonly string[]
  readonly jobs: number
  readonly logFolder: string
  readonly environment?: Record<string, string>
  /** Kept open in ninja and all it starts, so that the cache stays locked while any of them runs. */
  readonly lockFd?: number | undefined
  readonly signal: AbortSignal
}

/**
 * Runs ninja with a progress bar; its whole output goes to a log file.
 *
 * @returns false when there was nothing to do
 */
export async function runNinja(run: NinjaRun): Promise<boolean> {
  const { title, folder, targets, jobs, logFolder, signal } = run
  mkdirSync(logFolder, { recursive: true })
  const logPath = join(logFolder, `${basename(title)}.log`)
  const log = createWriteStream(logPath)
  await once(log, 'open')
  // A disk that is too full for the log is too full for ninja, which says so.
  log.on('error', () => {})
  const planned = await plan(run)
  const ninja = $({
    quiet: true,
    nothrow: true,
    stdio: ['ignore', 'pipe', 'pipe', run.lockFd ?? 'ignore'],
    env: { ...compilerEnvironment(), LC_ALL: 'C', ...run.environment, NINJA_STATUS: ninjaStatus },
  })`exec ninja -C ${folder} -j ${jobs} ${targets} 2>&1`
  // Ninja stops its jobs at SIGINT and removes what they left half-written.
  const interrupt = () => ninja.child?.kill('SIGINT')
  signal.addEventListener('abort', interrupt)

  const output = new NinjaOutput()
  let progress: ReturnType<typeof startProgress> | undefined
  try {
    for await (const line of createInterface({ input: ninja.stdout })) {
      log.write(`${forLog(line)}\n`)
      output.line(line)
      if (output.total > 0) {
        progress ??= startProgress(title, output.total, 'steps', output.done)
        // Ninja finds some planned steps needless, and others only as it goes.
        const weight = Math.max(planned, output.doneWeight + output.total - output.done)
        progress.update(output.done, output.total, output.doneWeight / weight)
      }
    }
    const { exitCode } = await ninja
    if (exitCode === 0) {
      progress?.end()
      return !output.upToDate
    }
    progress?.abandon()
    signal.throwIfAborted()
    const failed = output.failures.join('\n\n') || `ninja ends with code ${exitCode}`
    if (saysDiskFull(failed)) throw diskFull(folder, title, failed)
    throw new BuildError(
      `${title} failed:\n${failed}`,
      `The whole output is in ${logPath}.\nOnce the cause is mended, run the same command again: what is compiled stays.`,
    )
  } finally {
    signal.removeEventListener('abort', interrupt)
    log.end()
    if (!log.closed) await once(log, 'close')
  }
}

/** What the steps weigh that ninja has to do, as far as it knows before it begins. */
export async function plan({ folder, targets, signal }: NinjaRun): Promise<number> {
  const dryRun = await $({
    quiet: true,
    nothrow: true,
    signal,
    env: { ...process.env, NINJA_STATUS: ninjaStatus },
  })`ninja -C ${folder} -n ${targets}`
  const output = new NinjaOutput()
  for (const line of dryRun.stdout.split('\n')) output.line(line)
  return output.doneWeight
}
