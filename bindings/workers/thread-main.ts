// What a worker thread runs: programs over their regions, one after the other.

import { parentPort } from 'node:worker_threads'
import type { HostRegion } from '../../types/host-region.d.ts'
import { openBackend } from '../backends/index.ts'
import { startCpuProfile } from '../backends/patched/cpu-profile.ts'
import { encodeError } from './error-message.ts'
import type { Done, Job, Loaded, Outcome } from './job.ts'
import { runProgram } from './run-program.ts'

function run(job: Job): Done {
  const backend = openBackend(job.backend)
  const regions: (HostRegion | null)[] = []
  try {
    for (const shared of job.regions) regions.push(shared && backend.HostRegion.open(shared))
    return runProgram(backend, regions, job)
  } finally {
    for (const region of regions) region?.close()
  }
}

function outcome(job: Job): Outcome {
  const recording = job.cpuProfile ? startCpuProfile() : undefined
  try {
    const done = run(job)
    return { ...done, cpuProfile: recording?.stop() }
  } catch (error) {
    return { error: encodeError(error), cpuProfile: recording?.stop() }
  }
}

parentPort?.on('message', (job: Job | null) => {
  if (job === null) parentPort?.close()
  else parentPort?.postMessage(outcome(job))
})
parentPort?.postMessage('loaded' satisfies Loaded)
