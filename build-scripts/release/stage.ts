import { copyFile, lstat, mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { warn } from '../terminal.ts'

/**
 * Copies what git knows of a checkout into a folder and compiles it there, so that nothing else that lies about gets into
 * a package: no output of an older compilation, no file that git ignores.
 */
export async function stageCheckout(
  project: string,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const run = $({ signal, quiet: true })
  const listed = await run({
    cwd: project,
  })`git ls-files -z --cached --others --exclude-standard --deduplicate`
  for (const file of listed.stdout.split('\0').filter(Boolean)) {
    signal.throwIfAborted()
    const [source, target] = [join(project, file), join(folder, file)]
    const found = await lstat(source).catch(ignoreRemoved)
    if (!found) continue
    if (!found.isFile()) {
      warn(`${file} is no regular file, and is left out`)
      continue
    }
    await mkdir(dirname(target), { recursive: true })
    await copyFile(source, target)
  }
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  const compiled = await run({ cwd: folder, nothrow: true })`npm run --silent build`
  signal.throwIfAborted()
  if (compiled.exitCode !== 0) {
    throw new BuildError(
      `The sources cannot be compiled:\n${compiled.stdall.trim()}`,
      'Mend them until "npm run build" succeeds.',
    )
  }
}

/** git still lists a file that was removed and not committed. */
function ignoreRemoved(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}
