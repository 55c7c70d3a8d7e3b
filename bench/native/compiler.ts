import { execFile } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const sources = dirname(fileURLToPath(import.meta.url))

/** The loops are compiled with each of these sets of flags: value by value, with vectors of 128 bits, with all there is. */
export const variants = {
  Scalar: {
    rowsAtOnce: 8,
    clang: ['-O3', '-fno-vectorize', '-fno-slp-vectorize'],
    gcc: ['-O3', '-fno-tree-vectorize'],
  },
  Simd: { rowsAtOnce: 8, clang: ['-O3'], gcc: ['-O3'] },
  Wide: {
    rowsAtOnce: 32,
    clang: ['-O3', '-march=native'],
    gcc: ['-O3', '-march=native'],
  },
} as const

export type Variant = keyof typeof variants

/** A C++ compiler of this machine. */
export interface Compiler {
  readonly command: string
  readonly family: 'clang' | 'gcc'
  /** The first line of what it says of itself. */
  readonly version: string
}

/** The first of `CXX`, clang++ and g++ that runs. */
export async function findCompiler(): Promise<Compiler | undefined> {
  const named = process.env.CXX?.trim()
  for (const command of named ? [named] : ['clang++', 'clang++-22', 'g++', 'c++']) {
    try {
      const { stdout } = await run(command, ['--version'])
      const version = stdout.split('\n')[0]!.trim()
      return { command, family: /clang/i.test(stdout) ? 'clang' : 'gcc', version }
    } catch {
      // Not there; the next one.
    }
  }
  return undefined
}

/** Compiles the addon into `folder`, and returns its path. */
export async function compileAddon(compiler: Compiler, folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const manifest = createRequire(import.meta.url).resolve('node-api-headers/package.json')
  const common = ['-std=c++20', '-fPIC', '-fvisibility=hidden', '-fno-exceptions', '-fno-rtti']
  const compile = async (source: string, object: string, flags: readonly string[]) => {
    const path = join(folder, object)
    await run(compiler.command, [
      ...common,
      ...flags,
      '-I',
      join(dirname(manifest), 'include'),
      '-c',
      join(sources, source),
      '-o',
      path,
    ])
    return path
  }
  const objects = await Promise.all([
    compile('addon.cc', 'addon.o', ['-O2']),
    ...Object.entries(variants).map(([name, flags]) =>
      compile('kernels.cc', `${name}.o`, [
        ...flags[compiler.family],
        `-DKERNELS_VARIANT=${name}`,
        `-DKERNELS_ROWS_AT_ONCE=${flags.rowsAtOnce}`,
      ]),
    ),
  ])
  const addon = join(folder, 'bench.node')
  await run(compiler.command, ['-shared', '-o', addon, ...objects])
  return addon
}
