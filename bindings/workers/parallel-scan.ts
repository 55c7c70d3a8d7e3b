import type { HostRegion } from '../../types/host-region.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import type { ExportResult, ParallelScanOptions } from '../../types/workers.d.ts'
import { KeptRegions } from './kept-regions.ts'
import {
  copyOfModule,
  readRegions,
  readRunOptions,
  readScanOptions,
  totalLength,
} from './options.ts'
import { type Boundary, divide } from './parts.ts'
import { newControls, runThreads } from './run-threads.ts'

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

/** See types/workers.d.ts. */
export async function parallelScan<TResult = ExportResult, TMerged = TResult[]>(
  bytes: BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: ParallelScanOptions<TResult, TMerged>,
): Promise<TMerged> {
  const regions = readRegions(region)
  const byteLength = totalLength(regions)
  const { onProgress, signal, ...run } = readRunOptions(byteLength, options)
  const { workers, boundary, merge } = readScanOptions(regions.length, options)
  const module = copyOfModule(bytes)
  const kept = new KeptRegions(regions)
  try {
    signal?.throwIfAborted()
    const parts = await divide(kept.regions, boundary, workers, signal)
    const controls = newControls(parts.length)
    const jobs = parts.map((part, i) => ({
      ...run,
      bytes: module,
      regions: part.map(
        (bytes, window) => bytes && kept.regions[window]!.subarray(bytes.begin, bytes.end).share(),
      ),
      recordBytes: commonRecordBytes(boundary),
      control: controls[i]!,
    }))
    const results = await runThreads(jobs, { byteLength, onProgress, signal })
    return (merge === undefined ? results : await merge(results as never[])) as TMerged
  } finally {
    kept.close()
  }
}
