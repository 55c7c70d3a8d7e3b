/** The public members are documented in types/index.d.ts. */

import type * as api from '../types/index.d.ts'
import { openBackend } from './backends/index.ts'
import { version as packageVersion } from './platform.ts'
import { engine } from './web-assembly/engine.ts'

export { backends, openBackend } from './backends/index.ts'
export { deserializeModule, serializeModule } from './web-assembly/code-cache.ts'
export { parallelScan } from './workers/parallel-scan.ts'
export { runOnWorker } from './workers/run-on-worker.ts'

const backend = openBackend()
export const { ChunkFeeder, HostRegion, setWasmInstanceRawMemory, WebAssembly } = backend

export const version: api.EngineVersion = Object.freeze({
  package: packageVersion,
  v8: backend.name === 'patched' ? engine.version() : process.versions.v8,
})
