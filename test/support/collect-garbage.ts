import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Collects garbage at once. Finalizers wait for a later turn. */
export function collectNow(): void {
  gc()
}

/** Collects garbage until `done`, giving finalizers their turns. False if that does not come about. */
export async function collectUntil(done: () => boolean): Promise<boolean> {
  for (let i = 0; i < 50; ++i) {
    // What `done` took from a WeakRef is kept alive until its turn ends.
    await nextTurn()
    gc()
    await nextTurn()
    await nextTurn()
    if (done()) return true
  }
  return false
}

/** Collects garbage until `region` can be closed. False if that does not come about. */
export function closeOnceCollected(region: { close(): void }): Promise<boolean> {
  return collectUntil(() => {
    try {
      region.close()
      return true
    } catch {
      return false
    }
  })
}

/** Collects garbage, and runs finalizers. */
export async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; ++i) {
    gc()
    await nextTurn()
    await nextTurn()
  }
}
