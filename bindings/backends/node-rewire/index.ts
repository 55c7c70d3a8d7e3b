import type { BackendStatus } from '../../../types/backend.d.ts'
import type * as region from '../../../types/host-region.d.ts'
import type * as api from '../../../types/web-assembly.d.ts'
import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import { HostRegion, regionParts } from '../../region.ts'
import { available, type BackendDefinition, unavailable } from '../backend.ts'
import { NodeFeeders } from '../node/chunk-feeder.ts'
import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import { native, nodeNamespace } from '../node/namespace.ts'
import { type InstanceMemory, rawMemoryFunction } from '../node/raw-memory.ts'

const name = 'node-rewire'

const pageSize = 65536

/** The getter itself, since a program could put its own in the place. */
const bufferOf = Object.getOwnPropertyDescriptor(native.Memory.prototype, 'buffer')
  ?.get as () => ArrayBuffer

/** A window lies in a memory, not in an instance: all that use the memory see it. */
const targets = new WeakMap<object, WindowTarget>()

function targetOf(memory: object): WindowTarget {
  let target = targets.get(memory)
  if (target === undefined) {
    target = binding.nodeBackends.rewire.target(memory, bufferOf)
    targets.set(memory, target)
  }
  return target
}

function show(memory: object, region: unknown, argument: string): void {
  const { handle, byteOffset, byteLength } = regionParts(region, argument)
  binding.nodeBackends.show(targetOf(memory), handle, byteOffset, byteLength)
}

class Memory extends native.Memory implements api.Memory {
  constructor(descriptor: api.MemoryDescriptor) {
    const host = typeof descriptor === 'object' ? descriptor?.host : undefined
    if (host === undefined) {
      super(descriptor)
      return
    }
    const { byteLength } = regionParts(host, 'host')
    const { address, initial, maximum, shared } = descriptor
    if (shared) {
      throw new TypeError(
        "WebAssembly.Memory(): Property 'shared' must be false or absent: host memory cannot take the place of a shared memory",
      )
    }
    const pages = Math.ceil(byteLength / pageSize)
    const own: api.MemoryDescriptor = {
      initial: initial ?? (address === 'i64' ? BigInt(pages) : pages),
    }
    if (address !== undefined) own.address = address
    if (maximum !== undefined) own.maximum = maximum
    super(own)
    show(this, host, 'host')
  }

  override grow(delta: number): number
  override grow(delta: bigint): bigint
  override grow(delta: number | bigint): number | bigint {
    const target = targets.get(this)
    if (target !== undefined && binding.nodeBackends.isShown(target)) {
      throw new RangeError(
        'WebAssembly.Memory.grow(): a HostRegion is attached to the memory; go back to its own bytes first, as with attach(null)',
      )
    }
    return super.grow(delta as number)
  }

  override attach(region: region.HostRegion | null): void {
    // Throws for what is no memory.
    bufferOf.call(this as never)
    if (region === null) {
      const target = targets.get(this)
      if (target !== undefined) binding.nodeBackends.restore(target)
      return
    }
    if (region === undefined) {
      throw new TypeError('region must be a HostRegion, or null to detach; got undefined')
    }
    show(this, region, 'region')
  }
}

/** Makes regions that can be mapped twice, unless it is told otherwise. */
const ShareableHostRegion: region.HostRegionConstructor = new Proxy(HostRegion, {
  get(target, key, receiver) {
    if (key === 'allocate') return allocate
    return key === 'mapFile' ? mapFile : Reflect.get(target, key, receiver)
  },
})

function shareable<T extends { shareable?: boolean }>(options: T | undefined): T {
  // What is no object is for the class to complain about.
  if (typeof (options ?? {}) !== 'object') return options as T
  return { ...(options as T), shareable: options?.shareable ?? true }
}

function allocate(byteLength: number, options?: region.AllocateOptions) {
  return HostRegion.allocate(byteLength, shareable(options))
}

function mapFile(path: string | Buffer | URL, options?: region.MapFileOptions) {
  return HostRegion.mapFile(path, shareable(options))
}

/** The memory itself, which the program need not know. */
function memoryOf({ instance, parts, memoryIndex, layout }: InstanceMemory): object {
  const { imported, exported } = layout
  if (imported !== undefined) {
    const [moduleName, memoryName] = imported
    return parts.imports[moduleName]?.[memoryName] as object
  }
  const memory =
    parts.memories[memoryIndex] ?? (exported === undefined ? undefined : instance.exports[exported])
  if (memory !== undefined) return memory
  throw new TypeError(
    `instance: memory ${memoryIndex} must be exported or imported: the module has parts that are not known here, which hide it`,
  )
}

function open() {
  const seal = newSeal()
  const feeders = new NodeFeeders()
  const namespace = nodeNamespace({
    ...feeders.hooks,
    Memory,
    // A memory that is neither exported nor imported is in nobody's reach, unless it is imported from here.
    prepare(bytes, layout) {
      const hidden =
        !(layout instanceof Error) &&
        layout.memories.some(
          ({ imported, exported, shared }) =>
            imported === undefined && exported === undefined && !shared,
        )
      return (hidden ? hostMemories(bytes, layout, seal) : undefined) ?? { bytes }
    },
  })
  const target = (memory: InstanceMemory) => targetOf(memoryOf(memory))
  return {
    name,
    WebAssembly: namespace.WebAssembly,
    HostRegion: ShareableHostRegion,
    ChunkFeeder: feeders.feederClass(name, binding.nodeBackends, namespace, target),
    setWasmInstanceRawMemory: rawMemoryFunction(name, binding.nodeBackends, namespace, target),
  } as const
}

/** Tries it on a memory that nobody else has. */
function probe(): BackendStatus {
  // An addon from before there were node backends, by V8_RAWMEM_BINDING.
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

let status: BackendStatus | undefined

/** Node's own V8, under whose memories the pages of a region are mapped. */
export const nodeRewire: BackendDefinition = {
  name,
  status() {
    status ??= probe()
    return status
  },
  open,
}
