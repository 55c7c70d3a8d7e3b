import type { BackendName } from '../../../types/backend.d.ts'
import type * as api from '../../../types/web-assembly.d.ts'
import type { NodeBackendsBinding, WindowTarget } from '../../addon/binding.ts'
import { checkMemoryIndex, show } from '../../arguments.ts'
import { regionParts } from '../../region.ts'
import { checkOwnData, type MemoryLayout } from '../module-layout.ts'
import { type RawMemoryFunction, readRawMemoryOptions } from '../raw-memory-options.ts'
import type { InstanceParts, NodeNamespace } from './namespace.ts'

/** One memory of an instance, found by its index. */
export interface InstanceMemory {
  readonly instance: api.Instance
  readonly parts: InstanceParts
  readonly memoryIndex: number
  readonly layout: MemoryLayout
}

/**
 * Returns the native side of a memory, or of a host window beside it; throws if nothing can be
 * attached there.
 */
export type TargetOf = (memory: InstanceMemory, window?: number) => WindowTarget

/** Finds the memory of an instance that the arguments of a public function name. */
export function instanceMemory(
  backend: BackendName,
  namespace: NodeNamespace,
  instance: unknown,
  memoryIndex: unknown,
): InstanceMemory {
  const parts = namespace.partsOf(instance)
  if (parts === undefined) {
    throw new TypeError(
      `instance must be an instance made, from a module compiled, by the WebAssembly of the backend '${backend}'; got ${show(instance)}`,
    )
  }
  checkMemoryIndex(memoryIndex)
  if (parts.layout instanceof Error) {
    throw new TypeError(
      `instance: nothing can be attached to an instance of this module: ${parts.layout.message}`,
    )
  }
  const layout = parts.layout.memories[memoryIndex]
  if (layout === undefined) {
    throw new RangeError(
      `memoryIndex must be the index of a memory of the instance; got ${memoryIndex}`,
    )
  }
  if (layout.shared) {
    throw new TypeError(
      `memoryIndex names a shared memory, which cannot be replaced; got ${memoryIndex}`,
    )
  }
  return { instance: instance as api.Instance, parts, memoryIndex, layout }
}

/** `setWasmInstanceRawMemory` of a node backend. */
export function rawMemoryFunction(
  backend: BackendName,
  binding: NodeBackendsBinding,
  namespace: NodeNamespace,
  targetOf: TargetOf,
): RawMemoryFunction {
  return (instance, region, memoryIndex = 0, options) => {
    const overOwnData = readRawMemoryOptions(options)
    const memory = instanceMemory(backend, namespace, instance, memoryIndex)
    const target = targetOf(memory)
    if (region === null) {
      binding.restore(target)
      return
    }
    if (region === undefined) {
      throw new TypeError('region must be a HostRegion, or null to detach; got undefined')
    }
    const { handle, byteOffset, byteLength } = regionParts(region)
    if (!overOwnData) checkOwnData(memory.layout, memoryIndex)
    binding.show(target, handle, byteOffset, byteLength)
  }
}
