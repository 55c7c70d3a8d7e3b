// What a worker thread runs: one program over its regions.

import { parentPort, workerData } from 'node:worker_threads'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import { openBackend } from '../backends/index.ts'
import { encodeError } from './error-message.ts'
import type { Job, Outcome } from './job.ts'
import { runProgram } from './run-program.ts'

function run(job: Job): ExportResult {
  const backend = openBackend(job.backend)
  const regions: (HostRegion | null)[] = []
  try {
    for (const shared of job.regions) regions.push(shared && backend.HostRegion.open(shared))
    return runProgram(backend, regions, job)
  } finally {
    for (const region of regions) region?.close()
  }
}

function outcome(): Outcome {
  try {
    return { result: run(workerData as Job) }
  } catch (error) {
    return { error: encodeError(error) }
  }
}

// Not during module evaluation: if terminate() interrupts that, Node 22 can abort the process.
setImmediate(() => parentPort?.postMessage(outcome()))
