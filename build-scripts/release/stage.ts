import { copyFile, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'

/**
 * Copies what git knows of a checkout into a folder and compiles it there, so that nothing else that lies about gets into
 * a package: no output of an older compilation, no file that git ignores.
 */
export async function stageCheckout(
  project: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const run = $({ signal, quiet: true, nothrow: true })
  const listed = await run({
    cwd: project,
  })`git ls-files -z --cached --others --exclude-standard --deduplicate`
  signal.throwIfAborted()
  if (listed.exitCode !== 0) {
    throw new BuildError(
      `git cannot list the files of ${project}: ${listed.stderr.trim()}`,
      'A release is made in a clone of the repository.',
    )
  }
  for (const file of listed.stdout.split('\0').filter(Boolean)) {
    signal.throwIfAborted()
    const target = join(folder, file)
    await mkdir(dirname(target), { recursive: true })
    await copyFile(join(project, file), target).catch(ignoreRemoved)
  }
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  const compiled = await run({ cwd: folder })`npm run --silent build`
  signal.throwIfAborted()
  if (compiled.exitCode !== 0) {
    throw new BuildError(
      `The sources cannot be compiled:\n${compiled.stdall.trim()}`,
      'Mend them until "npm run build" succeeds.',
    )
  }
}

/** git still lists a file that was removed and not committed. */
function ignoreRemoved(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}
