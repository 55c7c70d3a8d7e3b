import { binding } from '../../addon/load.ts'
import { HostRegion } from '../../region.ts'
import { available, type BackendDefinition, unavailable } from '../backend.ts'
import { withoutCallLimits } from '../node/call-limits.ts'
import { NodeFeeders } from '../node/chunk-feeder.ts'
import { rawMemoryFunction } from '../node/raw-memory.ts'
import { withoutWindows } from './host-windows.ts'
import { rawNamespace } from './namespace.ts'
import { newTargets } from './raw-memory.ts'
import { begin, examine, type Findings, Refusal } from './self-test.ts'

const name = 'node-raw'

let examined: Findings | Error | undefined

function findings(): Findings | Error {
  if (examined === undefined) {
    try {
      examined = examine(binding.nodeBackends)
    } catch (error) {
      examined = error instanceof Error ? error : new Error(String(error))
    }
  }
  return examined
}

function open() {
  const found = findings()
  if (found instanceof Error) throw found
  const { nodeBackends } = binding
  begin(nodeBackends, found)
  const feeders = new NodeFeeders()
  const namespace = rawNamespace(feeders.hooks)
  const targetOf = newTargets(namespace, found)
  return {
    name,
    WebAssembly: namespace.WebAssembly,
    runWithLimits: withoutCallLimits(name),
    HostRegion,
    ChunkFeeder: feeders.feederClass(name, nodeBackends, namespace, targetOf),
    setWasmInstanceRawMemory: rawMemoryFunction(name, nodeBackends, namespace, targetOf),
    ...withoutWindows,
  } as const
}

/** Node's own V8, with start and size of memories overwritten. */
export const nodeRaw: BackendDefinition = {
  name,
  status() {
    // V8_RAWMEM_BINDING can name an addon that is older than the node backends.
    if (binding.nodeBackends?.raw === undefined) {
      return unavailable(name, 'the binding is older than this backend')
    }
    const found = findings()
    if (!(found instanceof Error)) {
      return available(name, `Node's V8 ${process.versions.v8}: ${found.description}`)
    }
    const why =
      found instanceof Refusal ? found.message : `the examination failed: ${found.message}`
    return unavailable(name, why)
  },
  open,
}
