/** The public members are documented in types/index.d.ts. */

import { createRequire } from 'node:module'
import type * as api from '../types/index.d.ts'
import { engine } from './web-assembly/engine.ts'

export { HostRegion } from './host-region.ts'
export { deserializeModule, serializeModule } from './web-assembly/code-cache.ts'
export { WebAssembly } from './web-assembly/namespace.ts'
export { setWasmInstanceRawMemory } from './web-assembly/raw-memory.ts'

const { version: packageVersion } = createRequire(import.meta.url)('../package.json') as {
  version: string
}

export const version: api.EngineVersion = Object.freeze({
  package: packageVersion,
  v8: engine.version(),
})
