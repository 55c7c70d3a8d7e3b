import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { availableParallelism, totalmem } from 'node:os'
import { basename, join } from 'node:path'
import { createInterface } from 'node:readline'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { compilerEnvironment } from './compiler-environment.ts'
import { diskFull, saysDiskFull } from './disk.ts'
import { $, withoutInput } from './shell.ts'
import { startProgress } from './terminal.ts'

/** A program put in front of every compiler call: ccache, sccache, distcc, icecc. */
export type CompilerWrapper = string | undefined

/** Whether a wrapper is the program of this name. */
export function isCalled(ccWrapper: CompilerWrapper, name: string): boolean {
  return ccWrapper !== undefined && basename(ccWrapper) === name
}

/** Settings with which ccache caches precompiled headers, unless the user has set them. */
function wrapperEnvironment(ccWrapper: CompilerWrapper): Record<string, string> {
  if (!isCalled(ccWrapper, 'ccache') || process.env.CCACHE_SLOPPINESS) return {}
  return { CCACHE_SLOPPINESS: 'pch_defines,time_macros,include_file_mtime,include_file_ctime' }
}

/** What is to be built, and how. */
export interface NinjaRun {
  /** What the bar calls it. */
  readonly title: string
  readonly folder: string
  readonly targets: readonly string[]
  readonly jobs: number
  /** What {@link plan} says of it; without that, steps count as they come. */
  readonly planned?: number
  readonly logFolder: string
  readonly ccWrapper?: CompilerWrapper
}

/**
 * Runs ninja with a progress bar; its whole output goes to a log file.
 *
 * @returns false when there was nothing to do
 */
export async function runNinja(run: NinjaRun): Promise<boolean> {
  const { title, folder, targets, jobs, planned = 0, logFolder, ccWrapper } = run
  mkdirSync(logFolder, { recursive: true })
  const logPath = join(logFolder, `${basename(title)}.log`)
  const log = createWriteStream(logPath)
  await once(log, 'open')
  // A disk that is too full for the log is too full for ninja, which says so.
  log.on('error', () => {})
  const ninja = $({
    nothrow: true,
    // sccache leaves a server behind, which would keep the lock for as long as it lives.
    stdio: isCalled(ccWrapper, 'sccache') ? ['ignore', 'pipe', 'pipe'] : withoutInput(),
    env: {
      ...compilerEnvironment(),
      LC_ALL: 'C',
      ...wrapperEnvironment(ccWrapper),
      NINJA_STATUS: ninjaStatus,
    },
  })`exec ninja -C ${folder} -j ${jobs} ${targets} 2>&1`

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
    const failed = output.failures.join('\n\n') || `ninja ends with code ${exitCode}`
    if (saysDiskFull(failed)) throw diskFull(folder, title, failed)
    throw new AdvisedError(
      `${title} failed:\n${failed}`,
      `The whole output is in ${logPath}.\nOnce the cause is mended, run the same command again: what is compiled stays.`,
    )
  } finally {
    log.end()
    if (!log.closed) await once(log, 'close')
  }
}

/** What the steps weigh that ninja has to do, as far as it knows before it begins. */
export async function plan({ folder, targets }: NinjaRun): Promise<number> {
  const dryRun = await $({
    nothrow: true,
    env: { ...process.env, NINJA_STATUS: ninjaStatus },
  })`ninja -C ${folder} -n ${targets}`
  const output = new NinjaOutput()
  for (const line of dryRun.stdout.split('\n')) output.line(line)
  return output.doneWeight
}

/** Marks the lines that ninja itself writes; compilers do not write this character. */
const statusMark = '\u001e'

/** The value of NINJA_STATUS under which {@link NinjaOutput} understands what ninja writes. */
const ninjaStatus = `${statusMark}%f/%t `

/** Follows what ninja writes when its output is no terminal: how far it is, and what failed. */
export class NinjaOutput {
  /** Steps that are done, and steps there are; the latter changes while ninja runs. */
  done = 0
  total = 0
  /** What the steps that are done weigh together. */
  doneWeight = 0
  /** Ninja found all results newer than their sources. */
  upToDate = false
  readonly #failures: string[][] = []
  #inFailure = false

  /** Takes one line, without its line end. */
  line(text: string): void {
    const status = new RegExp(`^${statusMark}(\\d+)/(\\d+) (.*)`).exec(text)
    if (status) {
      this.done = Number(status[1])
      this.total = Number(status[2])
      this.doneWeight += stepWeight(status[3]!)
      this.#inFailure = false
    } else if (text.startsWith('FAILED: ')) {
      this.#failures.push([text])
      this.#inFailure = true
    } else if (text.startsWith('ninja: ')) {
      this.#inFailure = false
      if (text === 'ninja: no work to do.') this.upToDate = true
      else if (!/^ninja: (Entering|build stopped)/.test(text)) this.#failures.push([text])
    } else if (this.#inFailure) {
      this.#failures.at(-1)!.push(text)
    }
  }

  /** What the steps that failed wrote: their names, their commands, and the compiler's messages. */
  get failures(): string[] {
    return this.#failures.map((lines) => lines.join('\n').trimEnd())
  }
}

/** A line of ninja's output as it should stand in the log: the status without its mark. */
export function forLog(text: string): string {
  return text.startsWith(statusMark) ? text.slice(1).replace(/^(\d+\/\d+) /, '[$1] ') : text
}

/**
 * How long a step takes against a plain small C++ file, which is 1. Measured on a whole build: of some 470 steps the
 * first 300 take a sixth of the time, so that an estimate by the number of steps alone would promise far too much.
 */
const weights: readonly (readonly [RegExp, number])[] = [
  [/\.(pch|gch)$/, 30],
  [/ obj\/(v8_base_without_compiler|v8_compiler|v8_init|torque_generated_)/, 15],
  [/ obj\/(torque_base|torque_ls_base|mksnapshot|src\/inspector)/, 6],
]

/** The weight of the step that ninja describes so, for instance `CXX obj/v8_base_without_compiler/api.o`. */
function stepWeight(description: string): number {
  return weights.find(([pattern]) => pattern.test(description))?.[1] ?? 1
}

/** What one compile job may take at its worst: a V8 unit with the precompiled header mapped. */
export const bytesPerJob = 1.5e9

/** How many jobs this machine can run at once: as many as it has processors and memory for. */
export function defaultJobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / bytesPerJob)))
}
