import type { HostRegion as Region } from '../../types/host-region.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import type { ExportResult, ParallelScanOptions } from '../../types/workers.d.ts'
import { HostRegion, regionParts } from '../region.ts'
import { type Boundary, copyOfModule, readRunOptions, readScanOptions } from './options.ts'
import { divide } from './parts.ts'
import { newControls, runThreads } from './run-threads.ts'

/** Windows of whole records, unless the caller gave a size, or a window fits all or no records. */
function fitWindow(windowSize: number, boundary: Boundary, byteLength: number): number {
  if (!('recordBytes' in boundary) || windowSize >= byteLength) return windowSize
  return windowSize - (windowSize % boundary.recordBytes) || windowSize
}

/** See types/workers.d.ts. */
export async function parallelScan<TResult = ExportResult, TMerged = TResult[]>(
  bytes: BytesSource,
  region: Region,
  options?: ParallelScanOptions<TResult, TMerged>,
): Promise<TMerged> {
  const { byteLength } = regionParts(region)
  const { onProgress, signal, feeder, ...run } = readRunOptions(byteLength, options)
  const { workers, boundary, merge } = readScanOptions(options)
  const module = copyOfModule(bytes)
  const windowSize =
    options?.windowSize === undefined
      ? fitWindow(feeder.windowSize, boundary, byteLength)
      : feeder.windowSize
  // Open here too, so that the bytes stay if the caller closes the region.
  const kept = HostRegion.open(region.share())
  try {
    signal?.throwIfAborted()
    const parts = await divide(kept, boundary, workers, signal)
    const controls = newControls(parts.length)
    const jobs = parts.map(({ begin, end }, i) => ({
      ...run,
      feeder: { ...feeder, windowSize },
      bytes: module,
      region: kept.subarray(begin, end).share(),
      control: controls[i]!,
    }))
    const results = await runThreads(jobs, { byteLength, onProgress, signal })
    return (merge === undefined ? results : await merge(results as never[])) as TMerged
  } finally {
    kept.close()
  }
}
