import type { WindowTarget } from '../../addon/binding.ts'
import type { InstanceMemory } from '../node/raw-memory.ts'
import { targetOf } from './memory.ts'

/** The memory object, which the program may never have seen. */
export function memoryOf({ instance, parts, memoryIndex, layout }: InstanceMemory): object {
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

/** What shows regions to an instance, at address 0. */
export function targetOfInstance(memory: InstanceMemory): WindowTarget {
  return targetOf(memoryOf(memory))
}
