import { $, which } from 'zx'
import { BuildError } from '../build-error.ts'
import { findClang, findLibraries } from '../clang.ts'
import { clangTools, installCommand, missingTools } from '../tools.ts'

/** A C and C++ compiler, as node-gyp wants to be told. */
export interface Compiler {
  readonly cc: string
  readonly cxx: string
  /** The first line of `c++ --version`. */
  readonly version: string
  /** The C++ and C libraries whose headers it finds. */
  readonly libraries: Readonly<Record<string, string>>
  /** What it links with; left out, that is its own choice. */
  readonly linker?: 'lld'
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
    const version = (await $({ quiet: true })`${found} --version`).stdout.split('\n')[0]!
    return { cc, cxx, version, libraries: await findLibraries(found) }
  }
  throw new BuildError(
    chosen
      ? `The compilers that CC and CXX name are not there: ${CC}, ${CXX}.`
      : 'There is no C++ compiler on the PATH.',
    `Install one with: ${installCommand(['g++'])}`,
  )
}
