import type { Worker } from 'node:worker_threads'
import { decodeError } from './error-message.ts'
import type { Done, Job, Loaded, Outcome } from './job.ts'
import { startThread } from './start-thread.ts'

/** A worker thread that does one job after the other. */
export class Thread {
  readonly #worker: Worker
  /** Resolves when it has ended completely. */
  readonly ended: Promise<void>
  /** Resolves when it has loaded its module, or ended. */
  readonly #loaded: Promise<void>
  #isEnding = false
  #pending: Pending | undefined

  /** @throws if the system has no thread to give. */
  constructor() {
    const worker = startThread('thread-main', { name: 'v8-rawmem' })
    this.#worker = worker
    let failure: { error: unknown } | undefined
    let setLoaded = () => {}
    this.#loaded = new Promise((resolve) => {
      setLoaded = resolve
    })
    worker.on('message', (outcome: Outcome | Loaded) => {
      if (outcome === 'loaded') return setLoaded()
      const pending = this.#settle()
      try {
        if (outcome.cpuProfile !== undefined) pending?.onCpuProfile?.(outcome.cpuProfile)
      } catch (error) {
        pending?.reject(error)
      }
      if ('error' in outcome) pending?.reject(decodeError(outcome.error))
      else pending?.resolve(outcome)
    })
    for (const event of ['messageerror', 'error'] as const) {
      worker.on(event, (error) => {
        failure ??= { error }
      })
    }
    this.ended = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#isEnding = true
        const early = `The worker thread ended, with exit code ${code}, before the program had a result`
        this.#settle()?.reject(failure === undefined ? new Error(early) : failure.error)
        setLoaded()
        resolve()
      })
    })
    // A thread that waits for a job keeps no process alive.
    worker.unref()
  }

  /** Whether it takes no job any more. */
  get isEnding(): boolean {
    return this.#isEnding
  }

  /**
   * Rejects with the error of the program, with what `onCpuProfile` throws, or, when the thread has
   * ended, with the reason why.
   */
  run(job: Job, onCpuProfile?: (profile: string) => void): Promise<Done> {
    const promise = new Promise<Done>((resolve, reject) => {
      this.#pending = { resolve, reject, onCpuProfile }
    })
    this.#worker.ref()
    this.#worker.postMessage(job)
    return promise
  }

  /** Ends it in the midst of its job, which rejects. */
  terminate(): void {
    this.#isEnding = true
    // Not while it loads its module: Node leaves the file open that it was about to read.
    void this.#loaded.then(() => this.#worker.terminate())
  }

  /** Ends it when it has no job. */
  async end(): Promise<void> {
    if (!this.#isEnding) {
      this.#isEnding = true
      this.#worker.ref()
      this.#worker.postMessage(null)
    }
    await this.ended
  }

  #settle(): Pending | undefined {
    const pending = this.#pending
    this.#pending = undefined
    // The process stays for one that is being ended, because a caller may wait for its end.
    if (!this.#isEnding) this.#worker.unref()
    return pending
  }
}

/** Of the job that runs. */
interface Pending {
  resolve(done: Done): void
  reject(reason: unknown): void
  readonly onCpuProfile: ((profile: string) => void) | undefined
}
