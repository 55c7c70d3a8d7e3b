import type * as api from '../../../types/web-assembly.d.ts'
import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import { HostRegion } from '../../region.ts'
import { available, type BackendDefinition, unavailable } from '../backend.ts'
import { NodeFeeders } from '../node/chunk-feeder.ts'
import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import type { ModuleLayout } from '../node/module-layout.ts'
import { native, nodeNamespace, type PreparedModule } from '../node/namespace.ts'
import { type InstanceMemory, rawMemoryFunction } from '../node/raw-memory.ts'
import {
  begin,
  bufferOf,
  examine,
  type Findings,
  insistOnBoundsChecks,
  Refusal,
} from './self-test.ts'

const name = 'node-raw'
const pageSize = 65536
/** All that a memory can have, in some release for one of 64 bits, too: V8 lets such memories be where they are. */
const fixedPages = 65536n
/** What V8 has of 64-bit addresses; no process has more. */
const reachOf64Bits = 2 ** 48

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

/** What there is for a memory in all of its instances. */
interface MemoryState {
  readonly lock: object
  /** Weak: they hold leases, and go with their instances. */
  readonly targets: Set<WeakRef<WindowTarget>>
  /** Instances that have gone. */
  collected: number
}

const memoryStates = new WeakMap<object, MemoryState>()

/** An instance that is collected while a window is shown in it leaves its memory locked. */
const collected = new FinalizationRegistry<MemoryState>((state) => {
  state.collected++
  settle(state, 1)
})

/** Targets are finalised soon after their instances, but not at once. */
function settle(state: MemoryState, delay: number): void {
  if (binding.nodeBackends.raw.settle(state.lock) >= state.collected) return
  setTimeout(settle, delay, state, Math.min(delay * 2, 1000)).unref()
}

/** Calls `action` while the memories have the maximum that they were declared with. */
function whileGrowable<T>(memories: readonly object[], action: () => T): T {
  const { raw } = binding.nodeBackends
  const locked = memories.flatMap((memory) => {
    const lock = memoryStates.get(memory)?.lock
    return lock === undefined ? [] : [{ memory, lock }]
  })
  for (const { lock } of locked) raw.lift(lock)
  try {
    return action()
  } finally {
    for (const { memory, lock } of locked) {
      raw.lower(lock, bufferOf.call(memory as never).byteLength)
    }
  }
}

/** What is imported where the module wants memories, which need not be such. */
function importedMemories({ memories }: ModuleLayout, imports: api.Imports): object[] {
  return memories.flatMap(({ imported }) => {
    const value = imported === undefined ? undefined : imports[imported[0]]?.[imported[1]]
    return typeof value === 'object' && value !== null ? [value] : []
  })
}

class Memory extends (native.Memory as unknown as new (
  descriptor: api.MemoryDescriptor,
) => { grow(delta: never): never }) {
  constructor(descriptor: api.MemoryDescriptor) {
    if (descriptor?.host !== undefined) throw noHostMemory('host')
    super(descriptor)
  }

  attach(): never {
    throw noHostMemory('attach')
  }

  /** V8 points all instances at the memory that grew; those that are attached to something else go back there. */
  override grow(delta: never): never {
    const state = memoryStates.get(this)
    if (state === undefined) return super.grow(delta)
    const { targets } = state
    const { raw } = binding.nodeBackends
    try {
      return whileGrowable([this], () => super.grow(delta))
    } finally {
      for (const reference of targets) {
        const target = reference.deref()
        if (target === undefined) targets.delete(reference)
        else raw.showAgain(target)
      }
    }
  }
}

function noHostMemory(what: string): TypeError {
  return new TypeError(
    `${what}: the backend 'node-raw' cannot make host memory a WebAssembly.Memory; use setWasmInstanceRawMemory, or the backend 'patched'`,
  )
}

function open() {
  const found = findings()
  if (found instanceof Error) throw found
  begin(binding.nodeBackends, found)
  const seal = newSeal()
  /** What `link` gave for modules that were rewritten. */
  const rewritten = new WeakSet<object>()

  const feeders = new NodeFeeders()
  const namespace = nodeNamespace({
    ...feeders.hooks,
    Memory: Memory as unknown as api.MemoryConstructor,
    prepare(bytes, layout): PreparedModule {
      insistOnBoundsChecks()
      const hosted = layout instanceof Error ? undefined : hostMemories(bytes, layout, seal)
      if (hosted?.link === undefined) return { bytes }
      const { link } = hosted
      return {
        ...hosted,
        link(imports, where) {
          const linked = whileGrowable(importedMemories(layout as ModuleLayout, imports), () =>
            link(imports, where),
          )
          const memories = [...linked.memories]
          rewritten.add(memories)
          return { imports: linked.imports, memories }
        },
      }
    },
  })

  const targets = new WeakMap<object, (WindowTarget | undefined)[]>()

  function targetOf({ instance, parts, memoryIndex, layout }: InstanceMemory): WindowTarget {
    let ofInstance = targets.get(instance)
    if (ofInstance === undefined) {
      ofInstance = []
      targets.set(instance, ofInstance)
    }
    const known = ofInstance[memoryIndex]
    if (known !== undefined) return known
    if (!rewritten.has(parts.memories)) {
      throw new TypeError(
        'instance: nothing can be attached to an instance of this module, which has parts that are not known here',
      )
    }
    if (memoryIndex > 0 && !(found as Findings).allMemories) {
      throw new TypeError(
        `memoryIndex: the backend 'node-raw' attaches only memory 0 on this Node; got ${memoryIndex}`,
      )
    }
    if (layout.initial >= fixedPages) {
      throw new TypeError(
        `instance: memory ${memoryIndex} is declared with a minimum of ${layout.initial} pages; V8 may take it for fixed then, so it must be less than ${fixedPages}`,
      )
    }
    const { imported } = layout
    const memory =
      imported === undefined
        ? parts.memories[memoryIndex]
        : parts.imports[imported[0]]?.[imported[1]]
    const { raw } = binding.nodeBackends
    let state = memoryStates.get(memory as object)
    if (state === undefined) {
      state = {
        lock: raw.lock((found as Findings).layout, memory as object),
        targets: new Set(),
        collected: 0,
      }
      memoryStates.set(memory as object, state)
    }
    const target = raw.target(
      (found as Findings).layout,
      state.lock,
      instance,
      memoryIndex,
      memory as object,
      bufferOf,
      Number(layout.initial) * pageSize,
      layout.address === 'i64' ? reachOf64Bits : 2 ** 32,
    )
    ofInstance[memoryIndex] = target
    state.targets.add(new WeakRef(target))
    collected.register(instance, state)
    return target
  }

  return {
    name,
    WebAssembly: namespace.WebAssembly,
    HostRegion,
    ChunkFeeder: feeders.feederClass(name, binding.nodeBackends, namespace, targetOf),
    setWasmInstanceRawMemory: rawMemoryFunction(name, binding.nodeBackends, namespace, targetOf),
  } as const
}

/** Node's own V8, whose notion of where a memory lies is overwritten. */
export const nodeRaw: BackendDefinition = {
  name,
  status() {
    // An addon from before there were node backends, by V8_RAWMEM_BINDING.
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
