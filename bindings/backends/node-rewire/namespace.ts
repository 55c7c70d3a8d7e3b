import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import { type NamespaceOptions, type NodeNamespace, nodeNamespace } from '../node/namespace.ts'
import { Memory, mostPagesBesideWindows } from './memory.ts'

/** The namespace of this backend. */
export function rewireNamespace(
  hooks: Pick<NamespaceOptions, 'instantiating' | 'instantiated'>,
): NodeNamespace {
  const seal = newSeal()
  return nodeNamespace({
    ...hooks,
    Memory,
    // A memory that is neither exported nor imported is out of reach, so it becomes an import. And
    // where there are host windows, no address is known to be beyond the maximum.
    prepare(bytes, layout, { hostWindows }) {
      if (layout instanceof Error) return { bytes }
      const isWanted =
        hostWindows ||
        layout.memories.some(
          ({ imported, exported, shared }) =>
            imported === undefined && exported === undefined && !shared,
        )
      const most = hostWindows ? mostPagesBesideWindows : undefined
      return (isWanted ? hostMemories(bytes, layout, seal, most) : undefined) ?? { bytes }
    },
  })
}
