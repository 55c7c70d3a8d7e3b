import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import type { InstanceMemory, TargetOf } from '../node/raw-memory.ts'
import { collected, memoryStates } from './memory.ts'
import type { RawNamespace } from './namespace.ts'
import { bufferOf, type Findings } from './self-test.ts'

const pageSize = 65536
/** Pages of the largest memory, in some releases also with 64 bits: V8 never moves it. */
const fixedPages = 65536n
/** Bytes that 64-bit addresses reach in V8; no process has more. */
const reachOf64Bits = 2 ** 48

/** Finds the words that instances of this V8 use for their memories. */
export function newTargets(
  namespace: RawNamespace,
  { layout: places, allMemories }: Findings,
): TargetOf {
  const targets = new WeakMap<object, (WindowTarget | undefined)[]>()

  return ({ instance, parts, memoryIndex, layout }: InstanceMemory): WindowTarget => {
    let ofInstance = targets.get(instance)
    if (ofInstance === undefined) {
      ofInstance = []
      targets.set(instance, ofInstance)
    }
    const known = ofInstance[memoryIndex]
    if (known !== undefined) return known
    if (!namespace.isRewritten(parts)) {
      throw new TypeError(
        'instance: nothing can be attached to an instance of this module, which has parts that are not known here',
      )
    }
    if (memoryIndex > 0 && !allMemories) {
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
        lock: raw.lock(places, memory as object),
        targets: new Set(),
        collected: 0,
      }
      memoryStates.set(memory as object, state)
    }
    const target = raw.target(
      places,
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
}
