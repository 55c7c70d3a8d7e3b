import { ProcessOutput } from 'zx'
import { AdvisedError, Interrupted } from '../../terminal/advised-error.ts'
import { runCommand as run, stackOf } from '../../terminal/run-command.ts'
import type { BuildContext, CacheLayout } from './context.ts'
import { diskFull, isDiskFull, saysDiskFull } from './disk.ts'
import { type LockOptions, lendToChildren, takeLock } from './lock.ts'
import { formatError } from './terminal.ts'

/** Runs a command's work with settings under which the tools do the same everywhere. */
export async function runCommand(
  verbose: boolean,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // Where no shell is above, as in cron and containers, bash takes a socket on its standard input for a login from afar, and reads the
  // user's .bashrc, which may print or wait for whatever it likes.
  if (!(Number(process.env.SHLVL) >= 1)) process.env.SHLVL = '1'
  // Compiled Python files stay out of the sources, and those that are there unread: nothing checks what is in them.
  Object.assign(process.env, { PYTHONDONTWRITEBYTECODE: '1', PYTHONPYCACHEPREFIX: '/dev/null' })
  await run(work, (error) => {
    const described = describeError(error)
    return verbose ? `${described}\n${stackOf(error)}` : described
  })
}

function describeError(error: unknown): string {
  if (error instanceof Interrupted) {
    return formatError(error.message, 'Run the same command again to go on from here.')
  }
  if (error instanceof AdvisedError) return formatError(error.message, error.advice)
  return formatError(
    error instanceof Error ? error.message : String(error),
    'This is not an error the scripts foresee. Run again with --verbose to see where it arose.',
  )
}

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

/**
 * Says so that a person can act what went wrong where no stage expects it: the disk, the rights to write, a tool that fails
 * because something in the cache is damaged. Other errors are given back as they are.
 */
export async function explain(error: unknown, { root, tree }: CacheLayout): Promise<unknown> {
  if (error instanceof Interrupted || !(error instanceof Error)) return error
  // Whoever met it may have taken the tree for no repository at all.
  const owned = belongsToAnother(saidBy(error) || saidBy(error.cause))
  if (owned) {
    return new AdvisedError(
      `${owned} belongs to another user, and git refuses to work there.`,
      `Run this as that user, give all of ${root} to this one (chown -R), or name another cache folder with --cache or XDG_CACHE_HOME.`,
      { cause: error },
    )
  }
  if (error instanceof AdvisedError) {
    if (/disk is full|disk space/.test(error.message) || !(await isDiskFull(root))) return error
    return new AdvisedError(
      `${error.message}\nThe disk is full, which may be why: nothing can be written to ${root}.`,
      diskFull(root, 'the build', error).advice,
      { cause: error, exitCode: error.exitCode },
    )
  }
  const said = saidBy(error)
  if (saysDiskFull(error) || saysDiskFull(said) || (await isDiskFull(root))) {
    return diskFull(root, 'the build', error)
  }
  const refused = refusal(error as NodeJS.ErrnoException, said)
  if (refused) {
    return new AdvisedError(
      refused,
      `The build writes to ${root}. Give this user the right to, or name another cache folder with --cache or XDG_CACHE_HOME.`,
      { cause: error },
    )
  }
  if (!(error instanceof ProcessOutput)) return error
  const end = error.signal ? `was ended by ${error.signal}` : `ends with code ${error.exitCode}`
  return new AdvisedError(
    `A tool ${end}:\n${said || 'It says nothing about it.'}`,
    [
      'If a file of the cache was damaged, remove what it belongs to and run the same command again; it is made anew:',
      `the work tree ${tree} ("git -C ${tree} fsck" looks into it; commits of your own are only there), or all of ${root}.`,
    ].join('\n'),
    { cause: error },
  )
}

function saidBy(error: unknown): string {
  return error instanceof ProcessOutput ? error.stderr.trim() || error.stdout.trim() : ''
}

/** The repository that git does not trust for its owner. What git advises itself is configuration, and none is heard here. */
function belongsToAnother(said: string): string | undefined {
  return /detected dubious ownership in repository at '(.*)'/.exec(said)?.[1]
}

/** What a process may not do, when that is why it failed. */
function refusal({ code, path, message }: NodeJS.ErrnoException, said: string): string | undefined {
  if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
    const why = code === 'EROFS' ? 'the file system is read-only' : 'permission denied'
    return path ? `Cannot write ${path}: ${why}.` : message
  }
  return said.split('\n').find((line) => /Read-only file system|Permission denied/.test(line))
}
