import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { packageRoot } from '../../bindings/addon/platform.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'

/** What `npm run release` puts into this package about a platform's package. */
export interface ReleasedPackage {
  /** Of its tarball, as `npm pack` calls it. */
  readonly filename: string
  /** Of its tarball, in bytes. */
  readonly size: number
  /** Of its tarball, as in a package-lock.json: `sha512-` and base64. */
  readonly integrity: string
}

/** Where it is; install.js looks for it, too. */
const recordPath = join(packageRoot, 'dist', 'release.json')

/** The packages that belong to this release, by name; undefined in a build that is no release. */
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
