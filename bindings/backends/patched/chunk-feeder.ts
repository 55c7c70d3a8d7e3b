import type { Next } from '../../addon/binding.ts'
import { chunkFeederClass } from '../../feeder/feeder-class.ts'
import { engine } from './engine.ts'
import { registerFeeder } from './feeders.ts'
import { isInstance, maker } from './instance.ts'
import { checkOwnDataOf } from './own-data.ts'

const native = engine.chunkFeeder

/**
 * Keeps the feeder of a mapped window while the instance lives, even if no program refers to it.
 */
const boundTo = new WeakMap<object, Set<Next>>()

/** For instances of the patched V8. */
export const ChunkFeeder = chunkFeederClass({
  native,
  maker,
  isInstance,
  register: registerFeeder,
  checkOwnData: checkOwnDataOf,
  bind(next, instance) {
    native.bind(next, instance)
    let bound = boundTo.get(instance)
    if (bound === undefined) {
      bound = new Set()
      boundTo.set(instance, bound)
    }
    bound.add(next)
  },
  unbind(next, instance) {
    native.unbind(next)
    boundTo.get(instance)?.delete(next)
  },
})
