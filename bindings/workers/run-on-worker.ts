import type { HostRegion } from '../../types/host-region.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import type { ExportResult, RunOnWorkerOptions } from '../../types/workers.d.ts'
import { KeptRegions } from './kept-regions.ts'
import { copyOfModule, readRegions, readRunOptions, totalLength } from './options.ts'
import { newControls, runJobs } from './run-jobs.ts'
import { ThreadPool } from './thread-pool.ts'

/** See types/workers.d.ts. */
export async function runOnWorker<TResult = ExportResult>(
  bytes: BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: RunOnWorkerOptions,
): Promise<TResult> {
  const regions = readRegions(region)
  const byteLength = totalLength(regions)
  const { onProgress, onCpuProfile, onArrays, signal, ...run } = readRunOptions(byteLength, options)
  const module = copyOfModule(bytes)
  const kept = new KeptRegions(regions)
  const pool = new ThreadPool(1)
  try {
    const job = {
      ...run,
      module,
      regions: kept.share(),
      recordBytes: 1,
      control: newControls(1)[0]!,
    }
    const [result] = await runJobs([job], pool, {
      byteLength,
      onProgress,
      onCpuProfile,
      onArrays,
      signal,
    })
    return result as TResult
  } finally {
    await pool.close()
    kept.close()
  }
}
