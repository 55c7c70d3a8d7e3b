import { $, which } from 'zx'
import { BuildError } from '../build-error.ts'
import { installCommand } from '../tools.ts'

/** What gclient imports beyond Python's own library, and the Debian package that has it. */
export const gclientModule = { name: 'httplib2', debianPackage: 'python3-httplib2' }

const probe = `import sys, ${gclientModule.name}, ${gclientModule.name}.socks; sys.exit(sys.version_info < (3, 11))`

/**
 * A Python that can run gclient: 3.11 with httplib2. The system's is tried as well, for its packages are not seen by a
 * Python that the user put in front of it.
 */
export async function findGclientPython(): Promise<string | undefined> {
  const found = (await which('python3', { all: true, nothrow: true })) ?? []
  for (const python of new Set([...found, '/usr/bin/python3'])) {
    const { exitCode } = await $({ quiet: true, nothrow: true })`${python} -B -c ${probe}`
    if (exitCode === 0) return python
  }
  return undefined
}

/** The same, or an error that says how to get one. */
export async function requireGclientPython(): Promise<string> {
  const python = await findGclientPython()
  if (python) return python
  throw new BuildError(
    `gclient needs a python3 of version 3.11 or later with the module ${gclientModule.name}.`,
    `Install with: ${installCommand(['python3', gclientModule.debianPackage])}\nOr take the sources from the archive: --source archive`,
  )
}
