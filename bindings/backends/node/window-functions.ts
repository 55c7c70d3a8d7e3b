import type { WindowFunctions } from '../../../types/host-windows.d.ts'
import type { FeederBinding, Next } from '../../addon/binding.ts'
import type { WindowsEngine } from '../../feeder/host-windows-class.ts'
import { hostWindows } from '../../feeder/window-addresses.ts'

/** The functions of module `rawmem` for Node's own V8, which calls them as imports. */
export function windowFunctions(feeders: FeederBinding): WindowsEngine['native'] {
  /** For each function, the `next` of each window's feeder. */
  const shownBy = new WeakMap<object, (Next | null)[]>()
  return {
    create() {
      const nexts = new Array<Next | null>(hostWindows).fill(null)
      const nextOf = (window: number): Next => {
        const next = nexts[window]
        if (next) return next
        const used = nexts.flatMap((next, window) => (next === null ? [] : [window])).join(', ')
        throw new RangeError(
          `rawmem: window ${window} shows no region; HostWindows has regions for ${
            used === '' ? 'none' : `the windows ${used}`
          }`,
        )
      }
      const functions: [WindowFunctions['next'], WindowFunctions['map'], WindowFunctions['size']] =
        [
          (window, consumed) => {
            const next = nextOf(window)
            // A number, as addresses have 32 bits.
            return (consumed === -1 ? next() : next(consumed >>> 0)) as number
          },
          (window, offset, length) =>
            feeders.map(nextOf(window), BigInt.asUintN(64, offset), length >>> 0),
          (window) => BigInt(feeders.byteLength(nextOf(window))),
        ]
      for (const windowFunction of functions) shownBy.set(windowFunction, nexts)
      return functions
    },
    set(windowFunction, window, next) {
      shownBy.get(windowFunction)![window] = next
    },
  }
}
