// tsx hooks into the main thread only; a worker must ask for it before it can load a .ts file.
import { workerData } from 'node:worker_threads'
import { register } from 'tsx/esm/api'

register()
await import(workerData.module)
