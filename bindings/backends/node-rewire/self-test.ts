import type { BackendStatus } from '../../../types/backend.d.ts'
import { binding } from '../../addon/load.ts'
import { HostRegion } from '../../region.ts'
import { available, unavailable } from '../backend.ts'
import { native } from '../node/namespace.ts'
import { pageSize, show, targetOf } from './memory.ts'

const name = 'node-rewire'

/** Tries the backend on a memory of its own. */
export function probe(): BackendStatus {
  // V8_RAWMEM_BINDING can name an addon that is older than the node backends.
  if (binding.nodeBackends === undefined) {
    return unavailable(name, 'the binding is older than this backend')
  }
  const reason = binding.nodeBackends.rewire.selfTest()
  if (reason !== undefined) return unavailable(name, reason)
  try {
    using region = HostRegion.allocate(pageSize, { shareable: true })
    const memory = new native.Memory({ initial: 1 })
    const bytes = new Uint8Array(memory.buffer)
    const target = targetOf(memory)
    bytes[pageSize - 1] = 1
    region.view(Uint8Array)[0] = 2
    show(memory, region, 'region')
    bytes[1] = 3
    const shown = bytes[0] === 2 && bytes[pageSize - 1] === 0 && region.view(Uint8Array)[1] === 3
    binding.nodeBackends.restore(target)
    if (shown && bytes[0] === 0 && bytes[pageSize - 1] === 1) {
      return available(
        name,
        `Node's own V8 ${process.versions.v8}, pages of regions mapped under its memories`,
      )
    }
    return unavailable(name, 'pages mapped under a memory of Node do not show in it')
  } catch (error) {
    return unavailable(name, (error as Error).message)
  }
}
