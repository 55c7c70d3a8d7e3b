import { Thread } from './thread.ts'

/** Threads that stay between jobs, started as they are needed. */
export class ThreadPool {
  /** The most threads at a time. */
  readonly size: number
  readonly #threads = new Set<Thread>()
  readonly #idle: Thread[] = []
  readonly #waiting: ((thread: Thread | { failure: unknown }) => void)[] = []
  #closing: Promise<void> | undefined

  constructor(size: number) {
    this.size = size
  }

  /** Waits until a thread has nothing to do. */
  async take(): Promise<Thread> {
    for (let idle = this.#idle.pop(); idle !== undefined; idle = this.#idle.pop()) {
      if (!idle.isEnding) return idle
      // It ended although it had nothing to do.
      this.#threads.delete(idle)
    }
    if (this.#threads.size < this.size) return this.#start()
    const given = await new Promise<Thread | { failure: unknown }>((resolve) => {
      this.#waiting.push(resolve)
    })
    if (given instanceof Thread) return given
    throw given.failure
  }

  /** Gives a thread back. Waits for the end of one that is ending. */
  async release(thread: Thread): Promise<void> {
    if (thread.isEnding) {
      await thread.ended
      this.#threads.delete(thread)
    }
    const next = this.#waiting.shift()
    if (next === undefined) {
      if (!thread.isEnding) this.#idle.push(thread)
      return
    }
    const given = thread.isEnding ? this.#startForWaiting() : thread
    next(given)
    // Nobody will give a thread back to the others.
    if (this.#threads.size === 0) for (const each of this.#waiting.splice(0)) each(given)
  }

  /** Ends the threads. No job runs or waits any more. */
  async close(): Promise<void> {
    this.#closing ??= Promise.all(Array.from(this.#threads, (thread) => thread.end())).then(
      () => {},
    )
    await this.#closing
  }

  #start(): Thread {
    const thread = new Thread()
    this.#threads.add(thread)
    return thread
  }

  #startForWaiting(): Thread | { failure: unknown } {
    try {
      return this.#start()
    } catch (failure) {
      return { failure }
    }
  }
}
