import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../bindings/addon/platform.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'

/** The record of a platform's package that `npm run release` writes into this package. */
export interface ReleasedPackage {
  /** File name of the tarball, as `npm pack` makes it. */
  readonly filename: string
  /** Size of the tarball in bytes. */
  readonly size: number
  /** Hash of the tarball as in package-lock.json: `sha512-` and base64. */
  readonly integrity: string
}

/** Its path; install.js reads it too. */
const recordPath = join(packageRoot, 'dist', 'release.json')

/** The packages of this release by name; undefined if this build is no release. */
export function readReleaseRecord(): Readonly<Record<string, ReleasedPackage>> | undefined {
  try {
    return JSON.parse(readFileSync(recordPath, 'utf8')) as Record<string, ReleasedPackage>
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return undefined
    throw new AdvisedError(`${recordPath} cannot be read: ${message}`, 'Install v8-rawmem again.', {
      cause,
    })
  }
}
