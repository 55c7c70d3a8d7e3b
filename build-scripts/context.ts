import { type CacheLayout, cacheLayout, cacheRoot } from './cache.ts'
import { loadPin, type Pin } from './pin.ts'
import { readSeries, type Series } from './series.ts'

/** What every stage works with. */
export interface BuildContext {
  /** The folder with v8.lock.json and the patches. */
  readonly project: string
  readonly pin: Pin
  readonly series: Series
  readonly cache: CacheLayout
  /** Aborted when the user interrupts. */
  readonly signal: AbortSignal
  /** The open lock of the cache folder, for children that must keep it when this process is killed. */
  readonly lockFd?: number
}

/** Reads the project's pin and series, and lays out the cache. */
export async function openContext(options: {
  project: string
  cache?: string | undefined
  signal: AbortSignal
}): Promise<BuildContext> {
  const pin = await loadPin(options.project)
  return {
    project: options.project,
    pin,
    series: await readSeries(options.project, pin),
    cache: cacheLayout(cacheRoot(options.cache), pin),
    signal: options.signal,
  }
}
