/** The public members are documented in types/index.d.ts. */

import type * as api from '../types/index.d.ts'
import { version as packageVersion } from './addon/platform.ts'
import { openBackend } from './backends/index.ts'
import { engine } from './backends/patched/engine.ts'

export { backends, openBackend } from './backends/index.ts'
export { deserializeModule, serializeModule } from './backends/patched/code-cache.ts'
export { startCpuProfile } from './backends/patched/cpu-profile.ts'
export { inspector } from './inspector/inspector.ts'
export { symbolicate } from './source-lines/symbolicate.ts'
export { wasi } from './wasi/wasi.ts'
export { runOnWorker } from './workers/run-on-worker.ts'
export { parallelScan, ScanPool } from './workers/scan-pool.ts'

const backend = openBackend()
export const {
  ChunkFeeder,
  HostRegion,
  HostWindows,
  runWithLimits,
  setWasmInstanceRawMemory,
  setWasmInstanceWindow,
  WebAssembly,
} = backend

export const version: api.EngineVersion = Object.freeze({
  package: packageVersion,
  v8: backend.name === 'patched' ? engine.version() : process.versions.v8,
})
