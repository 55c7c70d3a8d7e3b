import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { $, which } from 'zx'
import { BuildError } from './build-error.ts'
import { compilerEnvironment } from './compiler-environment.ts'
import { installCommand } from './tools.ts'

/** The pinned major version of clang as it is on this machine. */
export interface Clang {
  readonly cc: string
  readonly cxx: string
  /** The folder with bin/ and lib/, as GN wants it. */
  readonly base: string
  /** The first line of `clang --version`. */
  readonly version: string
  /** The C++ and C libraries whose headers it finds: code of theirs gets into what it compiles. */
  readonly libraries: Readonly<Record<string, string>>
  /** Of the same release. The system's linker would decide about bytes in another way on every distribution. */
  readonly linker: 'lld'
}

/** Finds clang and checks that its runtime library is there, which V8 links. */
export async function findClang(major: number): Promise<Clang> {
  const cc = await which(`clang-${major}`, { nothrow: true })
  const cxx = await which(`clang++-${major}`, { nothrow: true })
  if (!cc || !cxx) {
    throw new BuildError(
      `clang ${major} is not on the PATH (clang-${major}, clang++-${major}).`,
      `Install with: ${installCommand([`clang-${major}`])}`,
    )
  }
  const version = (await $({ quiet: true })`${cc} --version`).stdout.split('\n')[0]!
  return {
    cc,
    cxx,
    base: dirname(dirname(realpathSync(cc))),
    version,
    libraries: await findLibraries(cxx),
    linker: 'lld',
  }
}

/** The versions of the C++ and the C library that a compiler finds, as their headers name them. */
export async function findLibraries(cxx: string): Promise<Readonly<Record<string, string>>> {
  const listed = await $({
    quiet: true,
    env: compilerEnvironment(),
  })`${cxx} -x c++ -include cstddef -dM -E /dev/null`
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
  const resources = (await $({ quiet: true })`${cc} -print-resource-dir`).stdout.trim()
  return existsSync(join(resources, 'lib', 'linux', 'libclang_rt.builtins-x86_64.a'))
}

/** Whether the C++ standard library's headers are found and new enough for C++20. */
export async function compilesCxx20({ cxx }: Clang): Promise<boolean> {
  const headers = ['bit', 'compare', 'span'].flatMap((name) => ['-include', name])
  const result = await $({
    quiet: true,
    nothrow: true,
  })`${cxx} -std=c++20 -fsyntax-only -x c++ ${headers} /dev/null`
  return result.exitCode === 0
}
