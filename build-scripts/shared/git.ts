import { dirname } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { $ } from './shell.ts'

/** Who the commits of the work tree are by, where a patch does not say otherwise. */
export const identity = { name: 'v8-rawmem', email: 'v8-rawmem@localhost' }

/**
 * Git's environment: nothing of the user's configuration (hooks, line ends, signing) reaches the work tree, so that
 * the same sources and patches give the same commit hashes everywhere.
 */
export function gitEnvironment(extra: Record<string, string> = {}): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_')),
  )
  return {
    ...inherited,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
    ...extra,
  }
}

/** The environment that makes a commit by `author` at `date`, committed at that same moment. */
export function commitEnvironment(
  author: { name: string; email: string },
  date: string,
): Record<string, string> {
  return {
    GIT_AUTHOR_NAME: author.name,
    GIT_AUTHOR_EMAIL: author.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_NAME: identity.name,
    GIT_COMMITTER_EMAIL: identity.email,
    GIT_COMMITTER_DATE: date,
  }
}

/** A shell for git commands in `tree`. */
export function gitIn(tree: string, environment: Record<string, string> = {}) {
  // Where a repository is damaged, git would go looking in the folders above, and work on whose it finds there.
  const own = { GIT_CEILING_DIRECTORIES: dirname(tree) }
  return $({ cwd: tree, env: gitEnvironment({ ...own, ...environment }) })
}

/** The files that git knows in a tree, or below one of its folders. */
export async function listTracked(tree: string, folder = '.'): Promise<string[]> {
  const listed = await gitIn(tree)`git ls-files -z ${folder}`
  return listed.stdout.split('\0').filter(Boolean)
}

/** The commit that is checked out in a clone of this project, and what differs from it in `paths`, or anywhere. */
export async function readCheckout(
  folder: string,
  paths: readonly string[] = [],
): Promise<{ commit: string; changes: string }> {
  const git = $({ cwd: folder, nothrow: true })
  const head = await git`git rev-parse --verify HEAD`
  const status = await git`git status --porcelain -- ${paths}`
  for (const { exitCode, stderr } of [head, status]) {
    if (exitCode === 0) continue
    throw new AdvisedError(
      `git cannot say what is checked out in ${folder}:\n${stderr.trim()}`,
      'This is done in a clone of the repository, by the one who owns it.',
    )
  }
  return { commit: head.stdout.trim(), changes: status.stdout.trimEnd() }
}
