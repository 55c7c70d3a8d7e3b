import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import { type NamespaceOptions, type NodeNamespace, nodeNamespace } from '../node/namespace.ts'
import { Memory } from './memory.ts'

/** The namespace of this backend. */
export function rewireNamespace(
  hooks: Pick<NamespaceOptions, 'instantiating' | 'instantiated'>,
): NodeNamespace {
  const seal = newSeal()
  return nodeNamespace({
    ...hooks,
    Memory,
    // A memory that is neither exported nor imported is out of reach, so it becomes an import.
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
}
