import { delimiter } from 'node:path'
import { $, which } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'

/** What a scheduler's package brings, and the package. */
export type Needed = Readonly<Record<string, string>>

/** Installs the packages of commands that are missing, if this user may. */
export async function installMissing(needed: Needed): Promise<void> {
  const path = [process.env.PATH, '/usr/sbin', '/usr/bin'].join(delimiter)
  const missing: string[] = []
  for (const [command, debianPackage] of Object.entries(needed)) {
    if (!(await which(command, { nothrow: true, path }))) missing.push(debianPackage)
  }
  if (missing.length === 0) return
  const mayInstall = process.getuid?.() === 0 && (await which('apt-get', { nothrow: true }))
  if (!mayInstall) {
    throw new AdvisedError(
      `The test needs packages that are not installed: ${missing.join(', ')}.`,
      `Install them, on Debian with: sudo apt-get install --no-install-recommends ${missing.join(' ')}`,
    )
  }
  console.error(`installing ${missing.join(', ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const apt = $({ env, quiet: true })
  await apt`apt-get update`
  await apt`apt-get install --yes --no-install-recommends ${missing}`
}
