import type { HostRegion } from '../../types/host-region.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import type { ExportResult, PoolScanOptions } from '../../types/workers.d.ts'
import { KeptRegions } from './kept-regions.ts'
import {
  copyOfModule,
  readRegions,
  readRunOptions,
  readScanOptions,
  totalLength,
} from './options.ts'
import { type Boundary, divide } from './parts.ts'
import { newControls, runJobs } from './run-jobs.ts'
import type { ThreadPool } from './thread-pool.ts'

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** Bytes that are whole records of each region that is divided. */
function commonRecordBytes(boundary: Boundary): number {
  if ('delimiter' in boundary) return 1
  return boundary.recordBytes
    .filter((bytes) => bytes !== null)
    .reduce((common, bytes) => (common / greatestCommonDivisor(common, bytes)) * bytes, 1)
}

/** Runs a program over the parts of regions, on the threads of a pool. */
export async function scanOn<TResult = ExportResult, TMerged = TResult[]>(
  pool: ThreadPool,
  bytes: BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: PoolScanOptions<TResult, TMerged>,
): Promise<TMerged> {
  const regions = readRegions(region)
  const byteLength = totalLength(regions)
  const { onProgress, onCpuProfile, onArrays, signal, ...run } = readRunOptions(byteLength, options)
  const { parts, boundary, merge } = readScanOptions(regions.length, byteLength, pool.size, options)
  const module = copyOfModule(bytes)
  const kept = new KeptRegions(regions)
  try {
    signal?.throwIfAborted()
    const divided = await divide(kept.regions, boundary, parts, signal)
    const controls = newControls(divided.length)
    const jobs = divided.map((part, i) => ({
      ...run,
      module,
      regions: part.map(
        (bytes, window) => bytes && kept.regions[window]!.subarray(bytes.begin, bytes.end).share(),
      ),
      recordBytes: commonRecordBytes(boundary),
      control: controls[i]!,
    }))
    const results = await runJobs(jobs, pool, {
      byteLength,
      onProgress,
      onCpuProfile,
      onArrays,
      signal,
    })
    return (merge === undefined ? results : await merge(results as never[])) as TMerged
  } finally {
    kept.close()
  }
}
