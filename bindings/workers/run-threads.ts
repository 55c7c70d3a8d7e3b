import type { Worker } from 'node:worker_threads'
import type { FeederProgress } from '../../types/chunk-feeder.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import { ControlBlock } from '../addon/numbers.ts'
import { decodeError } from './error-message.ts'
import type { Job, Outcome } from './job.ts'
import { startThread } from './start-thread.ts'

/** Milliseconds between two checks of the threads' progress. */
const progressInterval = 100

export interface Watching {
  /** Bytes of all regions together. */
  readonly byteLength: number
  readonly onProgress: ((progress: FeederProgress) => void) | undefined
  readonly signal: AbortSignal | undefined
}

/** Settles when the thread has ended completely. */
function resultOf(worker: Worker): Promise<ExportResult> {
  return new Promise((resolve, reject) => {
    let outcome: Outcome | undefined
    let failure: { error: unknown } | undefined
    worker.on('message', (message: Outcome) => {
      outcome = message
    })
    worker.on('messageerror', (error) => {
      failure ??= { error }
    })
    worker.on('error', (error) => {
      failure ??= { error }
    })
    worker.once('exit', (code) => {
      if (failure !== undefined) {
        reject(failure.error)
      } else if (outcome === undefined) {
        reject(
          new Error(
            `The worker thread ended, with exit code ${code}, before the program had a result`,
          ),
        )
      } else if ('error' in outcome) {
        reject(decodeError(outcome.error))
      } else {
        resolve(outcome.result)
      }
    })
  })
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

/** Control blocks, one for each thread. */
export function newControls(count: number): Uint8Array[] {
  const blocks = new SharedArrayBuffer(count * ControlBlock.Length)
  return Array.from(
    { length: count },
    (_, i) => new Uint8Array(blocks, i * ControlBlock.Length, ControlBlock.Length),
  )
}

/**
 * Runs each job on a thread of its own.
 *
 * @returns the results in the order of the jobs, when all threads have ended.
 * @throws the first error of a thread, of `onProgress`, or the signal's reason; all threads have
 *   ended then as well.
 */
export async function runThreads(
  jobs: readonly Job[],
  { byteLength, onProgress, signal }: Watching,
): Promise<ExportResult[]> {
  signal?.throwIfAborted()
  const workers: Worker[] = []
  let failure: { error: unknown } | undefined
  const stop = (error: unknown): undefined => {
    if (failure !== undefined) return
    failure = { error }
    for (const worker of workers) void worker.terminate()
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

  const onAbort = () => stop(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  // The threads keep the process alive; the timer does not need to.
  const timer = onProgress && setInterval(report, progressInterval, false).unref()
  try {
    const ends: Promise<ExportResult>[] = []
    try {
      for (const workerData of jobs) {
        const worker = startThread('thread-main', { workerData, name: 'v8-rawmem' })
        workers.push(worker)
        ends.push(resultOf(worker).catch(stop))
      }
    } catch (error) {
      stop(error)
    }
    const results = await Promise.all(ends)
    if (failure === undefined) report(true)
    if (failure !== undefined) throw (failure as { error: unknown }).error
    return results
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
