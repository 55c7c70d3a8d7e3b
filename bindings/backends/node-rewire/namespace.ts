import { hostMemories, newSeal } from '../node/hosted-memories.ts'
import { type NamespaceOptions, type NodeNamespace, nodeNamespace } from '../node/namespace.ts'
import { Memory, mostPagesBesideWindows } from './memory.ts'
import { checkReach } from './reserved-addresses.ts'

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
      if (hostWindows) checkReach()
      if (layout instanceof Error) return { bytes }
      const isWanted =
        hostWindows ||
        layout.memories.some(
          ({ imported, exported, shared }) =>
            imported === undefined && exported === undefined && !shared,
        )
      const [own] = layout.memories
      const most =
        hostWindows && own?.address === 'i32' && !own.shared ? mostPagesBesideWindows : undefined
      if (own !== undefined && most !== undefined && own.initial > most) {
        throw new RangeError(
          `memory 0: initial memory of ${own.initial} pages leaves no addresses for the host windows of the module; declare at most ${most}`,
        )
      }
      return (isWanted ? hostMemories(bytes, layout, seal, most) : undefined) ?? { bytes }
    },
  })
}
