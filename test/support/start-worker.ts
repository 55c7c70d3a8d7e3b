import { Worker, type WorkerOptions } from 'node:worker_threads'

/** A worker thread that runs a TypeScript module; the module finds `data` in `workerData.data`. */
export function startWorker(module: URL, data: unknown, options: WorkerOptions = {}): Worker {
  return new Worker(module, { ...options, workerData: { data } })
}
