import { withoutEngine } from '../../addon/load.ts'
import { HostRegion } from '../../region.ts'
import { available, type BackendDefinition, unavailable } from '../backend.ts'
import { runWithLimits } from './call-limits.ts'
import { ChunkFeeder } from './chunk-feeder.ts'
import { engine } from './engine.ts'
import { HostWindows } from './host-windows.ts'
import { WebAssembly } from './namespace.ts'
import { setWasmInstanceRawMemory, setWasmInstanceWindow } from './raw-memory.ts'

const name = 'patched'

/** The patched V8 in the addon. */
export const patched: BackendDefinition = {
  name,
  status: () =>
    withoutEngine === undefined
      ? available(name, `V8 ${engine.version()} inside of this package`)
      : unavailable(name, withoutEngine),
  open: () => ({
    name,
    WebAssembly,
    HostRegion,
    ChunkFeeder,
    HostWindows,
    runWithLimits,
    setWasmInstanceRawMemory,
    setWasmInstanceWindow,
  }),
}
