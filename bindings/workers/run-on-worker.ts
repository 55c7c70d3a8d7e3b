import type { HostRegion as Region } from '../../types/host-region.d.ts'
import type { BytesSource } from '../../types/web-assembly.d.ts'
import type { ExportResult, RunOnWorkerOptions } from '../../types/workers.d.ts'
import { HostRegion, regionParts } from '../region.ts'
import { copyOfModule, readRunOptions } from './options.ts'
import { newControls, runThreads } from './run-threads.ts'

/** See types/workers.d.ts. */
export async function runOnWorker<TResult = ExportResult>(
  bytes: BytesSource,
  region: Region,
  options?: RunOnWorkerOptions,
): Promise<TResult> {
  const { byteLength } = regionParts(region)
  const { onProgress, signal, ...run } = readRunOptions(byteLength, options)
  const module = copyOfModule(bytes)
  const shared = region.share()
  // Open here too, so that the bytes stay if the caller closes the region early.
  const kept = HostRegion.open(shared)
  try {
    const job = { ...run, bytes: module, region: shared, control: newControls(1)[0]! }
    const [result] = await runThreads([job], { byteLength, onProgress, signal })
    return result as TResult
  } finally {
    kept.close()
  }
}
