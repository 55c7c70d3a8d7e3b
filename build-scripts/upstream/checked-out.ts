import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'

/** The commit that `name` stands for in the repository of `folder`; undefined where there is none, or no repository. */
export async function resolveIn(
  folder: string,
  name: string,
  environment: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<string | undefined> {
  // Named, so that git does not go looking in the folders above.
  const repository = join(folder, '.git')
  const options = { env: environment, quiet: true, nothrow: true, signal }
  const found = await $(
    options,
  )`git --git-dir=${repository} rev-parse --quiet --verify ${`${name}^{commit}`}`
  return found.exitCode === 0 ? found.stdout.trim() : undefined
}

/** Removes the locks of git commands that were killed; the cache has one user at a time. */
export async function removeLocks(folder: string): Promise<void> {
  const repository = join(folder, '.git')
  for (const place of [repository, join(repository, 'info')]) {
    for (const name of await readdir(place).catch(() => [])) {
      if (name.endsWith('.lock')) await rm(join(place, name))
    }
  }
}
