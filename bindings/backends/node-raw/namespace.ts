import type * as api from '../../../types/web-assembly.d.ts'
import type { ModuleLayout } from '../module-layout.ts'
import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import {
  type InstanceParts,
  type NamespaceOptions,
  type NodeNamespace,
  nodeNamespace,
  type PreparedModule,
} from '../node/namespace.ts'
import { Memory, whileGrowable } from './memory.ts'
import { insistOnBoundsChecks } from './self-test.ts'

/** Placeholders for the memories that a module imports. */
function importedMemories({ memories }: ModuleLayout, imports: api.Imports): object[] {
  return memories.flatMap(({ imported }) => {
    const value = imported === undefined ? undefined : imports[imported[0]]?.[imported[1]]
    return typeof value === 'object' && value !== null ? [value] : []
  })
}

/**
 * The namespace of this backend, and whether one of its instances is of a module that was
 * rewritten.
 */
export interface RawNamespace extends NodeNamespace {
  isRewritten(parts: InstanceParts): boolean
}

export function rawNamespace(
  hooks: Pick<NamespaceOptions, 'instantiating' | 'instantiated'>,
): RawNamespace {
  const seal = newSeal()
  /** The result of `link` for rewritten modules. */
  const rewritten = new WeakSet<object>()
  const namespace = nodeNamespace({
    ...hooks,
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
  return { ...namespace, isRewritten: ({ memories }) => rewritten.has(memories) }
}
