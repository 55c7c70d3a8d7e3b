import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import {
  platformName,
  platformPackage,
  supportedPlatforms,
  thisPlatform,
  version,
} from '../bindings/addon/platform.ts'
import { AdvisedError } from '../terminal/advised-error.ts'

/** Prints the folder of the installed SDK, which CMake takes in CMAKE_PREFIX_PATH. */
export function sdk({ platform }: { platform: string | undefined }): void {
  console.log(findSdk(platform ?? platformName(thisPlatform())))
}

/** The folder of the SDK for a platform that is installed where the command runs, or beside this package. */
function findSdk(platform: string): string {
  const supported = supportedPlatforms()
  if (!supported.includes(platform)) {
    throw new AdvisedError(
      `There is no SDK for ${platform}; there is one for ${supported.join(', ')}`,
      'Name one of those with --platform to build for it, or build on it.',
    )
  }
  const name = platformPackage(`sdk-${platform}`)
  for (const place of [join(process.cwd(), 'package.json'), import.meta.url]) {
    try {
      return dirname(createRequire(place).resolve(`${name}/package.json`))
    } catch {
      // Not there.
    }
  }
  throw new AdvisedError(
    `The SDK for ${platform} is not installed here`,
    `Install it with "npm install ${name}@${version}", or take the archive v8-sdk-*-${platform}.tar.zst of the release.`,
  )
}
