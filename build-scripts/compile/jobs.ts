import { availableParallelism, totalmem } from 'node:os'

/** What one compile job may take at its worst: a V8 unit with the precompiled header mapped. */
export const bytesPerJob = 1.5e9

/** How many jobs this machine can run at once: as many as it has processors and memory for. */
export function defaultJobs(): number {
  return Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / bytesPerJob)))
}
