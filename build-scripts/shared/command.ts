import { ProcessOutput } from 'zx'
import { AdvisedError, Interrupted } from '../../terminal/advised-error.ts'
import { stackOf } from '../../terminal/run-command.ts'
import type { CacheLayout } from './context.ts'
import { diskFull, isDiskFull, saysDiskFull } from './disk.ts'
import { type LockOptions, takeLock } from './lock.ts'
import { endTools, lendToTools } from './shell.ts'
import { formatError } from './terminal.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a command's work. A signal ends it at once, with its tools: the next run goes on from whatever
 * moment this one has come to.
 */
export async function runCommand(
  verbose: boolean | undefined,
  work: () => Promise<void>,
): Promise<void> {
  settleEnvironment()
  const fail = (error: unknown) => {
    process.stderr.write(`${describeError(error, verbose)}\n`)
    return error instanceof AdvisedError ? error.exitCode : 1
  }
  for (const name of signals) {
    process.once(name, () => {
      endTools()
      process.exit(fail(new Interrupted(name)))
    })
  }
  try {
    await work()
  } catch (error) {
    process.exitCode = fail(error)
  }
}

/** Settings under which the tools do the same everywhere. */
export function settleEnvironment(): void {
  // Without a parent shell (cron, containers), bash takes a socket on standard input for a remote
  // login and reads the user's .bashrc, which may print or wait.
  if (!(Number(process.env.SHLVL) >= 1)) process.env.SHLVL = '1'
  // Python neither writes compiled files into the sources nor reads those that are there: nothing
  // checks their content.
  Object.assign(process.env, { PYTHONDONTWRITEBYTECODE: '1', PYTHONPYCACHEPREFIX: '/dev/null' })
}

/** @param verbose Whether to show where the error arose; false if the command has no such option. */
export function describeError(error: unknown, verbose: boolean | undefined): string {
  const isForeseen = error instanceof AdvisedError
  const described = advise(error, verbose === undefined)
  return verbose || (verbose === false && !isForeseen)
    ? `${described}\n${stackOf(error)}`
    : described
}

function advise(error: unknown, canSayMore: boolean): string {
  if (error instanceof Interrupted) {
    return formatError(error.message, 'Run the same command again to go on from here.')
  }
  if (error instanceof AdvisedError) return formatError(error.message, error.advice)
  const unforeseen = 'This is not an error the scripts foresee.'
  return formatError(
    error instanceof Error ? error.message : String(error),
    canSayMore ? `${unforeseen} Run again with --verbose to see where it arose.` : unforeseen,
  )
}

/** Does the work of a command while no other process can hold the lock `path`. */
export async function withLock(
  cache: CacheLayout,
  path: string,
  command: string,
  options: LockOptions,
  work: () => Promise<void>,
): Promise<void> {
  try {
    const lock = await takeLock(path, command, options)
    try {
      lendToTools(lock.fd)
      await work()
    } finally {
      lock.release()
    }
  } catch (error) {
    throw await explain(error, cache)
  }
}

/**
 * Adds advice to errors that no stage expects: a full disk, no right to write, a tool that fails
 * because a file in the cache is damaged. Returns other errors as they are.
 */
export async function explain(error: unknown, { root, tree }: CacheLayout): Promise<unknown> {
  if (!(error instanceof Error)) return error
  // The stage that got this error may have reported it as a tree that is no repository.
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

/**
 * The repository that git refuses because another user owns it. Git's own advice does not help: it
 * is a setting, and these scripts ignore the user's settings.
 */
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
