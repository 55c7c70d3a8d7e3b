import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** What a thread begins with. */
export interface StockThreadData {
  readonly kernel: Uint8Array<ArrayBuffer>
  readonly data: SharedArrayBuffer
  /** Parts of the same size. */
  readonly parts: number
  /** How many parts were taken. */
  readonly taken: Int32Array
}

/** A pool of threads in stock Node: each copies parts of shared data into the memory of an instance of its own. */
export class StockThreads {
  readonly #threads: readonly Worker[]
  readonly #taken: Int32Array

  private constructor(threads: readonly Worker[], taken: Int32Array) {
    this.#threads = threads
    this.#taken = taken
  }

  static async start(
    workers: number,
    shared: Omit<StockThreadData, 'taken'>,
  ): Promise<StockThreads> {
    const taken = new Int32Array(new SharedArrayBuffer(4))
    const workerData: StockThreadData = { ...shared, taken }
    const program = new URL('./child/stock-thread.js', import.meta.url)
    const threads = Array.from({ length: workers }, () => new Worker(program, { workerData }))
    await Promise.all(threads.map((thread) => once(thread, 'online')))
    return new StockThreads(threads, taken)
  }

  /** The sum of what `run(argument)` gives for every part. */
  async sum(argument: number): Promise<bigint> {
    Atomics.store(this.#taken, 0, 0)
    const sums = await Promise.all(
      this.#threads.map(async (thread) => {
        const answer = once(thread, 'message') as Promise<[bigint]>
        thread.postMessage(argument)
        return (await answer)[0]
      }),
    )
    return sums.reduce((a, b) => a + b)
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()))
  }
}
