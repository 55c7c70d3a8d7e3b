import type { BackendStatus } from '../../../types/backend.d.ts'
import { binding } from '../../addon/load.ts'
import type { BackendDefinition } from '../backend.ts'
import { withoutCallLimits } from '../node/call-limits.ts'
import { NodeFeeders } from '../node/chunk-feeder.ts'
import { rawMemoryFunction } from '../node/raw-memory.ts'
import { targetOfWindow, windowsOf } from './host-windows.ts'
import { rewireNamespace } from './namespace.ts'
import { targetOfInstance } from './raw-memory.ts'
import { ShareableHostRegion } from './region.ts'
import { probe } from './self-test.ts'

const name = 'node-rewire'

function open() {
  const { nodeBackends } = binding
  const feeders = new NodeFeeders()
  const namespace = rewireNamespace(feeders.hooks)
  const ChunkFeeder = feeders.feederClass(name, nodeBackends, namespace, (memory, window) =>
    window === undefined ? targetOfInstance(memory) : targetOfWindow(memory, window),
  )
  return {
    name,
    WebAssembly: namespace.WebAssembly,
    runWithLimits: withoutCallLimits(name),
    HostRegion: ShareableHostRegion,
    ChunkFeeder,
    setWasmInstanceRawMemory: rawMemoryFunction(name, nodeBackends, namespace, targetOfInstance),
    ...windowsOf(name, feeders, namespace, ChunkFeeder),
  } as const
}

let status: BackendStatus | undefined

/** Node's own V8, with the pages of a region mapped at a memory's addresses. */
export const nodeRewire: BackendDefinition = {
  name,
  status() {
    status ??= probe()
    return status
  },
  open,
}
