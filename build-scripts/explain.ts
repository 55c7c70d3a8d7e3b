import { ProcessOutput } from 'zx'
import { BuildError, Interrupted } from './build-error.ts'
import type { CacheLayout } from './cache.ts'
import { diskFull, isDiskFull, saysDiskFull } from './disk.ts'

/**
 * Says so that a person can act what went wrong where no stage expects it: the disk, the rights to write, a tool that fails
 * because something in the cache is damaged. Other errors are given back as they are.
 */
export async function explain(error: unknown, { root, tree }: CacheLayout): Promise<unknown> {
  if (error instanceof Interrupted || !(error instanceof Error)) return error
  // Whoever met it may have taken the tree for no repository at all.
  const owned = belongsToAnother(saidBy(error) || saidBy(error.cause))
  if (owned) {
    return new BuildError(
      `${owned} belongs to another user, and git refuses to work there.`,
      `Run this as that user, give all of ${root} to this one (chown -R), or name another cache folder with --cache or XDG_CACHE_HOME.`,
      { cause: error },
    )
  }
  if (error instanceof BuildError) {
    if (/disk is full|disk space/.test(error.message) || !(await isDiskFull(root))) return error
    return new BuildError(
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
    return new BuildError(
      refused,
      `The build writes to ${root}. Give this user the right to, or name another cache folder with --cache or XDG_CACHE_HOME.`,
      { cause: error },
    )
  }
  if (!(error instanceof ProcessOutput)) return error
  const end = error.signal ? `was ended by ${error.signal}` : `ends with code ${error.exitCode}`
  return new BuildError(
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
