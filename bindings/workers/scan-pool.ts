import type { HostRegion } from '../../types/host-region.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import type * as api from '../../types/workers.d.ts'
import { asyncDispose } from '../dispose.ts'
import { readWorkers } from './options.ts'
import { scanOn } from './parallel-scan.ts'
import { ThreadPool } from './thread-pool.ts'

/** See types/workers.d.ts. */
export class ScanPool implements api.ScanPool {
  readonly #threads: ThreadPool
  readonly #running = new Set<Promise<unknown>>()
  #closed = false

  constructor(options?: api.ScanPoolOptions) {
    this.#threads = new ThreadPool(readWorkers(options))
  }

  get workers(): number {
    return this.#threads.size
  }

  async scan<TResult = api.ExportResult, TMerged = TResult[]>(
    bytes: BytesSource,
    region: HostRegion | readonly (HostRegion | null)[],
    options?: api.PoolScanOptions<TResult, TMerged>,
  ): Promise<TMerged> {
    if (this.#closed) throw new TypeError('scan: the ScanPool is closed; make a new one')
    const scan = scanOn(this.#threads, bytes, region, options)
    const settled = scan.then(
      () => {},
      () => {},
    )
    this.#running.add(settled)
    try {
      return await scan
    } finally {
      this.#running.delete(settled)
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all(this.#running)
    await this.#threads.close()
  }

  async [asyncDispose](): Promise<void> {
    await this.close()
  }
}

/** See types/workers.d.ts. */
export async function parallelScan<TResult = api.ExportResult, TMerged = TResult[]>(
  bytes: BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: api.ParallelScanOptions<TResult, TMerged>,
): Promise<TMerged> {
  const pool = new ScanPool(options)
  try {
    return await pool.scan(bytes, region, options)
  } finally {
    await pool.close()
  }
}
