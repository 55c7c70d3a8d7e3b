import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import type { BuildContext } from '../context.ts'
import { endOf, shellFor } from './child-process.ts'
import { type Mirror, networkGitEnvironment, retried } from './git-network.ts'
import type { UpstreamPin } from './upstream-pin.ts'

/** Puts the pinned GN's sources into `folder`, from its repository; they must be those of the pinned archive. */
export async function cloneGn(
  context: BuildContext,
  { gn }: UpstreamPin,
  folder: string,
  mirrors: readonly Mirror[],
): Promise<void> {
  const { signal } = context
  const env = networkGitEnvironment(mirrors, [gn.url])
  const shell = shellFor({ ...context, env })
  await retried(`cloning ${gn.url}`, folder, signal, async () => {
    await rm(folder, { recursive: true, force: true })
    // All of its history, some megabytes: a server can be asked for a whole hash only, and the pin has a short one.
    const clone = ['--quiet', '--template=', '--no-checkout']
    await endOf(shell`exec git clone ${clone} ${gn.url} ${folder}`, signal)
  })
  const $git = $({ env, quiet: true, signal, cwd: folder })
  const found = await $git({ nothrow: true })`git rev-parse --verify ${`${gn.revision}^{tree}`}`
  const tree = found.stdout.trim()
  if (tree !== gn.tree) {
    throw new BuildError(
      `${gn.url} at ${gn.revision} is not the GN that is pinned:\n  expected git tree ${gn.tree}\n  got      git tree ${tree || '(no such commit)'}`,
      'Take it from the archive instead: --source archive, or --archive <place>',
    )
  }
  await $git`git checkout --quiet --detach ${gn.revision}`
  await rm(join(folder, '.git'), { recursive: true })
}
