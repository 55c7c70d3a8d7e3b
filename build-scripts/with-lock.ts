import type { BuildContext } from './context.ts'
import { lendToChildren, takeLock } from './exclusive.ts'
import { explain } from './explain.ts'

/** Does the work of a command while no other process can hold the lock `path`. */
export async function withLock(
  context: BuildContext,
  path: string,
  command: string,
  wait: boolean,
  work: (context: BuildContext) => Promise<void>,
): Promise<void> {
  try {
    const lock = await takeLock(path, command, { wait, signal: context.signal })
    try {
      lendToChildren(lock)
      await work({ ...context, lockFd: lock.fd })
    } finally {
      lock.release()
    }
  } catch (error) {
    throw await explain(error, context.cache)
  }
}
