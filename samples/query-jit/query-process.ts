// Runs many queries, one after the other, in a process of its own: what an earlier process compiled is not in its memory.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { CodeCache } from './code-cache.ts'
import { parseQuery } from './expression.ts'
import { compileQuery, type KernelExports } from './kernel.ts'
import type { QueryText } from './random-queries.ts'
import type { Aggregate } from './reference.ts'
import { generateSales, sales } from './sales.ts'

/** What the process is to do. */
export interface Task {
  readonly queries: readonly QueryText[]
  /** Of the table of sales. */
  readonly blocks: number
  readonly cacheFolder: string
  /** `store`: compile every query and keep its code. `load`: take the code that was kept. */
  readonly cache: 'store' | 'load'
}

export interface Outcome {
  /** Milliseconds that each query took, by step. */
  readonly latencies: ReadonlyMap<string, readonly number[]>
  readonly results: readonly Aggregate[]
  /** Bytes of modules and their code that were kept. */
  readonly stored: number
}

/** What the process sends: how many queries are done, the outcome, or why there is none. */
export type Message =
  | { done: number }
  | { outcome: Outcome }
  | { error: string; code: string | undefined }

/** Measures the steps of a query. */
class Stopwatch {
  readonly latencies = new Map<string, number[]>()
  #started = 0
  #last = 0

  start(): void {
    this.#started = performance.now()
    this.#last = this.#started
  }

  lap(step: string): void {
    this.#record(step, performance.now() - this.#last)
    this.#last = performance.now()
  }

  /** All since the start. */
  total(step: string): void {
    this.#record(step, performance.now() - this.#started)
    this.#last = performance.now()
  }

  #record(step: string, milliseconds: number): void {
    const values = this.latencies.get(step) ?? []
    this.latencies.set(step, values)
    values.push(milliseconds)
  }
}

async function runQueries(task: Task, onDone: (queries: number) => void): Promise<Outcome> {
  const region = HostRegion.allocate(task.blocks * sales.blockBytes)
  generateSales(region)
  const cache = new CodeCache(task.cacheFolder)
  const watch = new Stopwatch()
  const results: Aggregate[] = []
  let stored = 0

  for (const query of task.queries) {
    let bytes: Uint8Array | undefined
    let module: WebAssembly.Module | undefined
    watch.start()
    if (task.cache === 'load') {
      module = cache.load(query, sales)
      if (module === undefined) throw new Error(`The cache has no code for: ${query.where}`)
      watch.lap('load code')
    } else {
      bytes = compileQuery(parseQuery(query.where, query.value, sales.columns), sales)
      watch.lap('build module')
      module = new WebAssembly.Module(bytes)
      watch.lap('compile')
    }
    const instance = new WebAssembly.Instance(module)
    watch.lap('instantiate')
    setWasmInstanceRawMemory(instance, region)
    watch.lap('attach')
    const { run } = instance.exports as unknown as KernelExports
    const [count, sum, min, max] = run(task.blocks)
    watch.lap('first run')
    watch.total('all of these')
    run(task.blocks)
    watch.lap('second run')
    setWasmInstanceRawMemory(instance, null)

    results.push({ count, sum, min, max })
    // Functions are compiled when they are called first: now their code is there.
    if (bytes !== undefined) stored += cache.store(query, sales, bytes, module)
    if (results.length % 16 === 0) onDone(results.length)
    // Instances that are no longer needed are freed between turns of the event loop.
    await nextTurn()
  }
  region.close()
  return { latencies: watch.latencies, results, stored }
}

process.once('message', async (task: Task) => {
  const send = (message: Message) => process.send!(message)
  try {
    send({ outcome: await runQueries(task, (done) => send({ done })) })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    send({ error: message, code })
  }
  process.disconnect()
})
// The other end is gone, or has all that it waited for.
process.once('disconnect', () => process.exit())
