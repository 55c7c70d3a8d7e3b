import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { AdvisedError } from '../../terminal/advised-error.ts'

/** Fetches a tarball with npm, so that the user's registry, proxy and login apply. */
export async function fetchByNpm(
  spec: string,
  folder: string,
  signal?: AbortSignal,
): Promise<Uint8Array> {
  // --force: npm refuses projects whose devEngines name another package manager.
  const { code, output } = await runNpm(
    ['pack', spec, `--pack-destination=${folder}`, '--loglevel=error', '--force'],
    signal,
  )
  const [tarball] =
    code === 0 ? (await readdir(folder)).filter((name) => name.endsWith('.tgz')) : []
  if (tarball === undefined) {
    throw new AdvisedError(
      `npm could not fetch ${spec}:\n${output.trim()}`,
      'Mend that, or name a folder or server that has the files of the release in V8_RAWMEM_MIRROR; then install again.',
    )
  }
  const path = join(folder, tarball)
  const content = await readFile(path)
  await rm(path)
  return content
}

/** npm's options for scripts, without those that would change what `npm pack` does. */
export function npmEnvironment(): NodeJS.ProcessEnv {
  const foreign =
    /^npm_config_(global|location|workspaces?|include_workspace_root|json|dry_run|tag)$/i
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !foreign.test(name)))
}

function npmCommand(): string[] {
  const { npm_execpath: running } = process.env
  const bin = dirname(process.execPath)
  const besideNode =
    process.platform === 'win32'
      ? join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js')
      : join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js')
  // Other package managers set it to their own.
  const cli = [running?.replace(/npx-cli\.js$/, 'npm-cli.js'), besideNode].find(
    (path) => path?.endsWith('npm-cli.js') && existsSync(path),
  )
  return cli === undefined ? ['npm'] : [process.execPath, cli]
}

async function runNpm(
  args: readonly string[],
  signal?: AbortSignal,
): Promise<{ code: number | null; output: string }> {
  const [command, ...first] = npmCommand() as [string, ...string[]]
  // In the folder where npm was started, it finds the project's .npmrc. The dot tests access.
  const cwd = [process.env.npm_config_local_prefix, process.env.INIT_CWD].find(
    (folder) => folder && existsSync(`${folder}/.`),
  )
  const child = spawn(command, [...first, ...args], {
    cwd: cwd ?? process.cwd(),
    env: npmEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe'],
    shell: process.platform === 'win32' && command === 'npm',
    signal,
  })
  try {
    const [output, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    return { code, output }
  } catch (error) {
    signal?.throwIfAborted()
    const { code, message } = error as NodeJS.ErrnoException
    return { code: null, output: code === 'ENOENT' ? 'There is no npm on the PATH.' : message }
  }
}
