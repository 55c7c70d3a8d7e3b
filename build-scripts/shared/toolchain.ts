import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { which } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { compilerEnvironment } from './compiler-environment.ts'
import type { Target } from './pin.ts'
import { $ } from './shell.ts'

/** A program a stage needs, and the Debian package that has it. */
interface Tool {
  readonly command: string
  readonly debianPackage: string
}

export const tools = {
  aptGet: { command: 'apt-get', debianPackage: 'apt' },
  ar: { command: 'ar', debianPackage: 'binutils' },
  git: { command: 'git', debianPackage: 'git' },
  gzip: { command: 'gzip', debianPackage: 'gzip' },
  make: { command: 'make', debianPackage: 'make' },
  ninja: { command: 'ninja', debianPackage: 'ninja-build' },
  nm: { command: 'nm', debianPackage: 'binutils' },
  objcopy: { command: 'objcopy', debianPackage: 'binutils' },
  readelf: { command: 'readelf', debianPackage: 'binutils' },
  python: { command: 'python3', debianPackage: 'python3' },
  tar: { command: 'tar', debianPackage: 'tar' },
  xz: { command: 'xz', debianPackage: 'xz-utils' },
  zstd: { command: 'zstd', debianPackage: 'zstd' },
} as const satisfies Record<string, Tool>

/** clang, its C++ driver and its linker in the pinned major version. */
export function clangTools(major: number): Tool[] {
  return [
    { command: `clang-${major}`, debianPackage: `clang-${major}` },
    { command: `clang++-${major}`, debianPackage: `clang-${major}` },
    { command: `ld.lld-${major}`, debianPackage: `lld-${major}` },
  ]
}

/** What runs binaries of the target, if this machine cannot. */
export function emulatorTools({ cross }: Target): Tool[] {
  return cross ? [{ command: cross.emulator, debianPackage: 'qemu-user' }] : []
}

/** The tools of a list that are not on the PATH. */
export async function missingTools(wanted: readonly Tool[]): Promise<Tool[]> {
  const missing: Tool[] = []
  for (const tool of wanted) {
    if ((await which(tool.command, { nothrow: true })) === null) missing.push(tool)
  }
  return missing
}

/** The one command that installs what is missing. */
export function installCommand(packages: Iterable<string>): string {
  return `sudo apt-get install --no-install-recommends ${[...new Set(packages)].sort().join(' ')}`
}

/** Fails before a stage begins when it could not end for want of a tool. */
export async function requireTools(stage: string, wanted: readonly Tool[]): Promise<void> {
  const missing = await missingTools(wanted)
  if (missing.length === 0) return
  const names = missing.map((tool) => tool.command).join(', ')
  throw new AdvisedError(
    `${stage} needs ${names}, which ${missing.length === 1 ? 'is' : 'are'} not on the PATH.`,
    `Install with: ${installCommand(missing.map((tool) => tool.debianPackage))}\n"npm run v8 -- doctor" lists everything a build needs.`,
  )
}

/** A C and C++ compiler, and what it says of itself. */
export interface Compiler {
  readonly cc: string
  readonly cxx: string
  /** What both need on every command line: the platform, if it is another than this. */
  readonly flags: readonly string[]
  /** The first line of `c++ --version`. */
  readonly version: string
  /** The C++ and C libraries whose headers it finds: code of theirs gets into what it compiles. */
  readonly libraries: Readonly<Record<string, string>>
  /** What it links with; left out, that is its own choice. */
  readonly linker?: 'lld'
}

/** The pinned major version of clang as it is on this machine. */
export interface Clang extends Compiler {
  /** The folder with bin/ and lib/, as GN wants it. */
  readonly base: string
  /** Of the same release. The system's linker would decide about bytes in another way on every distribution. */
  readonly linker: 'lld'
}

/** @param triple the platform that it compiles for; left out, this one */
export async function findClang(major: number, triple?: string): Promise<Clang> {
  const cc = await which(`clang-${major}`, { nothrow: true })
  const cxx = await which(`clang++-${major}`, { nothrow: true })
  if (!cc || !cxx) {
    throw new AdvisedError(
      `clang ${major} is not on the PATH (clang-${major}, clang++-${major}).`,
      `Install with: ${installCommand([`clang-${major}`])}`,
    )
  }
  const base = dirname(dirname(realpathSync(cc)))
  const flags = triple ? [`--target=${triple}`] : []
  const asked = await askCompiler(cxx, flags)
  if (triple && !('glibc' in asked.libraries)) {
    throw new AdvisedError(
      `${cxx} finds no C++ and C library for ${triple}.`,
      `Install them with: ${installCommand([`g++-${triple}`])}`,
    )
  }
  return { cc, cxx, flags, base, linker: 'lld', ...asked }
}

async function askCompiler(
  cxx: string,
  flags: readonly string[],
): Promise<Pick<Compiler, 'version' | 'libraries'>> {
  const version = (await $`${cxx} --version`).stdout.split('\n')[0]!
  return { version, libraries: await findLibraries(cxx, flags) }
}

/** The versions of the C++ and the C library that a compiler finds, as their headers name them. */
async function findLibraries(
  cxx: string,
  flags: readonly string[],
): Promise<Readonly<Record<string, string>>> {
  const listed = await $({
    nothrow: flags.length > 0,
    env: compilerEnvironment(),
  })`${cxx} ${flags} -x c++ -include cstddef -dM -E /dev/null`
  const macros = new Map(
    [...listed.stdout.matchAll(/^#define (\w+) (\d+)L?$/gm)].map((match) => [match[1], match[2]]),
  )
  const libraries: Record<string, string> = {}
  if (macros.has('__GLIBCXX__')) {
    libraries['libstdc++'] = `${macros.get('_GLIBCXX_RELEASE')} (${macros.get('__GLIBCXX__')})`
  }
  if (macros.has('_LIBCPP_VERSION')) libraries['libc++'] = macros.get('_LIBCPP_VERSION')!
  if (macros.has('__GLIBC__')) {
    libraries.glibc = `${macros.get('__GLIBC__')}.${macros.get('__GLIBC_MINOR__')}`
  }
  return libraries
}

/** Whether the compiler's runtime library, a package of its own, is installed. */
export async function hasRuntime({ cc }: Clang): Promise<boolean> {
  const resources = (await $`${cc} -print-resource-dir`).stdout.trim()
  return existsSync(join(resources, 'lib', 'linux', 'libclang_rt.builtins-x86_64.a'))
}

/** Whether the C++ standard library's headers are found and new enough for C++20. */
export async function compilesCxx20({ cxx, flags }: Clang): Promise<boolean> {
  const headers = ['bit', 'compare', 'span'].flatMap((name) => ['-include', name])
  const result = await $({
    nothrow: true,
  })`${cxx} ${flags} -std=c++20 -fsyntax-only -x c++ ${headers} /dev/null`
  return result.exitCode === 0
}

/** Where the compiler looks for a file of the C library. */
export async function findLibraryFile({ cxx, flags }: Compiler, name: string): Promise<string> {
  const path = (await $`${cxx} ${flags} -print-file-name=${name}`).stdout.trim()
  // A compiler that finds no such file gives the name back.
  if (path !== name) return path
  throw new AdvisedError(
    `${cxx} finds no ${name}.`,
    'Install the development files of glibc (on Debian, libc6-dev).',
  )
}

/**
 * The command that runs another platform's binaries, and the Debian package that has it; undefined for this platform's.
 *
 * @param compiler for that platform
 */
export async function findEmulator(
  { cross }: Target,
  compiler: Compiler,
): Promise<readonly string[] | undefined> {
  if (!cross) return undefined
  const library = realpathSync(await findLibraryFile(compiler, 'libc.so.6'))
  return [cross.emulator, '-L', dirname(dirname(library))]
}

/** What $CC and $CXX name; else the pinned clang, so that prebuilds are alike; else what the system calls its compiler. */
export async function findCompiler(clang: number): Promise<Compiler> {
  const { CC, CXX } = process.env
  const chosen = CC && CXX
  if (!chosen && (await missingTools(clangTools(clang))).length === 0) {
    return await findClang(clang)
  }
  const [cc, cxx] = chosen ? [CC, CXX] : ['cc', 'c++']
  const found = await which(cxx, { nothrow: true })
  if (found && (await which(cc, { nothrow: true }))) {
    return { cc, cxx, flags: [], ...(await askCompiler(found, [])) }
  }
  throw new AdvisedError(
    chosen
      ? `The compilers that CC and CXX name are not there: ${CC}, ${CXX}.`
      : 'There is no C++ compiler on the PATH.',
    `Install one with: ${installCommand(['g++'])}`,
  )
}
