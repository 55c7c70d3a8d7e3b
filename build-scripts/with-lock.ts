import type { BuildContext } from './context.ts'
import { type LockOptions, lendToChildren, takeLock } from './exclusive.ts'
import { explain } from './explain.ts'

/** Does the work of a command while no other process can hold the lock `path`. */
export async function withLock(
  context: BuildContext,
  path: string,
  command: string,
  options: LockOptions,
  work: (context: BuildContext) => Promise<void>,
): Promise<void> {
  try {
    const lock = await takeLock(path, command, { ...options, signal: context.signal })
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
