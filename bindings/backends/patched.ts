import { ChunkFeeder } from '../chunk-feeder.ts'
import { HostRegion } from '../host-region.ts'
import { withoutEngine } from '../load.ts'
import { engine } from '../web-assembly/engine.ts'
import { WebAssembly } from '../web-assembly/namespace.ts'
import { setWasmInstanceRawMemory } from '../web-assembly/raw-memory.ts'
import { available, type BackendDefinition, unavailable } from './backend.ts'

const name = 'patched'

/** The V8 inside of the addon. */
export const patched: BackendDefinition = {
  name,
  status: () =>
    withoutEngine === undefined
      ? available(name, `V8 ${engine.version()} inside of this package`)
      : unavailable(name, withoutEngine),
  open: () => ({ name, WebAssembly, HostRegion, ChunkFeeder, setWasmInstanceRawMemory }),
}
