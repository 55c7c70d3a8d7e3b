import type {
  ExportResult,
  MemoryValues,
  RunOnWorkerOptions,
  ScanPool,
} from '../../types/workers.d.ts'
import type { Table } from './table.ts'

/** Runs over a table: what a run over one region has, and arrays by batch. */
export interface TableScanOptions extends Omit<RunOnWorkerOptions, 'onArrays' | 'onCpuProfile'> {
  readonly onArrays: (arrays: MemoryValues[], batch: number) => void
}

/**
 * Runs a program once for each batch of a table, as many at a time as the pool has threads, and closes
 * the pool.
 *
 * @returns the results in the order of the batches.
 */
export async function scanTable(
  pool: ScanPool,
  bytes: Uint8Array,
  table: Table,
  { onProgress, onArrays, signal, ...options }: TableScanOptions,
): Promise<ExportResult[]> {
  const stop = new AbortController()
  const onAbort = () => stop.abort(signal?.reason)
  signal?.addEventListener('abort', onAbort, { once: true })
  const results: ExportResult[] = []
  /** Of each batch that has begun. */
  const progress: { position: number; windows: number }[] = []
  const report = () => {
    const all = progress.flat()
    onProgress?.({
      position: all.reduce((sum, { position }) => sum + position, 0),
      windows: all.reduce((sum, { windows }) => sum + windows, 0),
      byteLength: table.byteLength,
    })
  }
  const batches = table.batches()
  const runSome = async () => {
    for (;;) {
      stop.signal.throwIfAborted()
      const { value: batch, done } = await batches.next()
      if (done || batch === undefined) return
      const { index, regions } = batch
      try {
        const [result] = await pool.scan(bytes, regions, {
          ...options,
          parts: 1,
          signal: stop.signal,
          onProgress({ position, windows }) {
            progress[index] = { position, windows }
            report()
          },
          onArrays: (arrays) => onArrays(arrays, index),
        })
        results[index] = result
        const byteLength = regions.reduce((sum, region) => sum + region.byteLength, 0)
        progress[index] = { position: byteLength, windows: progress[index]?.windows ?? 0 }
        report()
      } finally {
        batch.close()
      }
    }
  }
  const lane = async () => {
    try {
      await runSome()
    } catch (error) {
      stop.abort(error)
    }
  }
  try {
    await Promise.all(Array.from({ length: pool.workers }, lane))
    stop.signal.throwIfAborted()
    return results
  } finally {
    await pool.close()
    signal?.removeEventListener('abort', onAbort)
  }
}
