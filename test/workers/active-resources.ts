import { setTimeout as sleep } from 'node:timers/promises'

/** How many things of this kind keep the event loop alive. */
function count(kind: string): number {
  return process.getActiveResourcesInfo().filter((name) => name === kind).length
}

/**
 * Counts message ports, of which every worker has some, now; the result tells whether there are no more again, and gives the
 * test's own machinery a moment for its messages.
 */
export function countPorts(): () => Promise<boolean> {
  const before = count('MessagePort')
  return async () => {
    for (let wait = 0; wait < 100; wait++) {
      if (count('MessagePort') <= before) return true
      await sleep(20)
    }
    return false
  }
}
