// Run by recursion.test.ts: recursion without end, in a worker whose stack has the given number of MiB.
import type { Worker } from 'node:worker_threads'
import { startWorker } from '../support/start-worker.ts'

const worker: Worker = startWorker(new URL('./recursion-worker.ts', import.meta.url), undefined, {
  resourceLimits: { stackSizeMb: Number(process.argv[2]) },
})
worker.on('error', (error) => {
  console.error(error)
  process.exitCode = 1
})
