import { which } from 'zx'
import { BuildError } from './build-error.ts'

/** A program a stage needs, and the Debian package that has it. */
export interface Tool {
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
  throw new BuildError(
    `${stage} needs ${names}, which ${missing.length === 1 ? 'is' : 'are'} not on the PATH.`,
    `Install with: ${installCommand(missing.map((tool) => tool.debianPackage))}\n"npm run v8 -- doctor" lists everything a build needs.`,
  )
}
