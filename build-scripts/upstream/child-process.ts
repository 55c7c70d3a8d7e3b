import { $, kill, type ProcessOutput, type ProcessPromise } from 'zx'

/** Where a child process runs, and what holds for it. */
export interface ChildOptions {
  readonly cwd?: string | undefined
  /** The lock of the cache. */
  readonly lockFd?: number | undefined
  readonly env: NodeJS.ProcessEnv
}

/** A shell for commands that have children of their own: git over the network, gclient. */
export function shellFor({ cwd, env, lockFd }: ChildOptions) {
  return $({
    ...(cwd ? { cwd } : {}),
    env,
    quiet: true,
    nothrow: true,
    // Kept open in the child, so that the cache stays locked while it runs, even when this process is killed.
    stdio: ['ignore', 'pipe', 'pipe', lockFd ?? 'ignore'],
  })
}

/** Waits for a command's end. When interrupted, it and all that it has started are told to end first. */
export async function endOf(running: ProcessPromise, signal: AbortSignal): Promise<ProcessOutput> {
  // Not by zx's own signal: it ends the command first, and then finds no children of it any more.
  const stop = () => {
    if (running.pid !== undefined) kill(running.pid).catch(() => {})
  }
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    const output = await running
    signal.throwIfAborted()
    if (output.exitCode !== 0) throw output
    return output
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
