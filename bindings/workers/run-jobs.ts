import type { FeederProgress } from '../../types/chunk-feeder.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import { ControlBlock } from '../addon/numbers.ts'
import type { OnCpuProfile } from './cpu-profiles.ts'
import type { Job } from './job.ts'
import type { OnArrays } from './memory-arrays.ts'
import type { Thread } from './thread.ts'
import type { ThreadPool } from './thread-pool.ts'

/** Milliseconds between two checks of the threads' progress. */
const progressInterval = 100

export interface Watching {
  /** Bytes of all regions together. */
  readonly byteLength: number
  readonly onProgress: ((progress: FeederProgress) => void) | undefined
  readonly onCpuProfile: OnCpuProfile | undefined
  readonly onArrays: OnArrays | undefined
  readonly signal: AbortSignal | undefined
}

function sum(controls: readonly Uint8Array[], byteLength: number): FeederProgress {
  let position = 0
  let windows = 0
  for (const { buffer, byteOffset } of controls) {
    const load = (offset: number) =>
      Number(Atomics.load(new BigUint64Array(buffer, byteOffset + offset, 1), 0))
    position += load(ControlBlock.Position)
    windows += load(ControlBlock.Windows)
  }
  return { position, byteLength, windows }
}

/** Control blocks, one for each job. */
export function newControls(count: number): Uint8Array[] {
  const blocks = new SharedArrayBuffer(count * ControlBlock.Length)
  return Array.from(
    { length: count },
    (_, i) => new Uint8Array(blocks, i * ControlBlock.Length, ControlBlock.Length),
  )
}

/**
 * Runs the jobs on the threads of a pool. A thread that is done takes the next one.
 *
 * @returns the results in the order of the jobs.
 * @throws the first error of a job, of `onProgress`, or the signal's reason. No job runs any more
 *   then: threads that were in the midst of one have ended.
 */
export async function runJobs(
  jobs: readonly Job[],
  pool: ThreadPool,
  { byteLength, onProgress, onCpuProfile, onArrays, signal }: Watching,
): Promise<ExportResult[]> {
  signal?.throwIfAborted()
  const running = new Set<Thread>()
  let failure: { error: unknown } | undefined
  const stop = (error: unknown): void => {
    if (failure !== undefined) return
    failure = { error }
    for (const thread of running) thread.terminate()
  }

  const controls = jobs.map(({ control }) => control)
  let reported: FeederProgress = { position: 0, byteLength, windows: 0 }
  const report = (atEnd: boolean) => {
    const progress = sum(controls, byteLength)
    const same = progress.windows === reported.windows && progress.position === reported.position
    if (same && !atEnd) return
    reported = progress
    try {
      onProgress?.(progress)
    } catch (error) {
      stop(error)
    }
  }

  const results: ExportResult[] = []
  const left = jobs.entries()
  const runOn = async (thread: Thread) => {
    running.add(thread)
    for (const [index, job] of left) {
      const onProfile = onCpuProfile && ((profile: string) => onCpuProfile(profile, index))
      const { result, arrays } = await thread.run(job, onProfile)
      onArrays?.(arrays, index)
      results[index] = result
      if (failure !== undefined) return
    }
  }
  const runSome = async () => {
    let thread: Thread | undefined
    try {
      thread = await pool.take()
      if (failure === undefined) await runOn(thread)
    } catch (error) {
      stop(error)
    } finally {
      if (thread !== undefined) {
        running.delete(thread)
        await pool.release(thread)
      }
    }
  }

  const onAbort = () => stop(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  // The threads keep the process alive; the timer does not need to.
  const timer = onProgress && setInterval(report, progressInterval, false).unref()
  try {
    await Promise.all(Array.from({ length: Math.min(pool.size, jobs.length) }, runSome))
    if (failure === undefined) report(true)
    if (failure !== undefined) throw (failure as { error: unknown }).error
    return results
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
