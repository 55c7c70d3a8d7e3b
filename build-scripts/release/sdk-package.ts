import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { readSdkManifest } from '../package/sdk-manifest.ts'
import { withUnpacked } from '../provenance/unpack.ts'

/** The name of the package of npm with the SDK for a platform. */
export function sdkPackage(platform: string): string {
  return `@v8-rawmem/sdk-${platform}`
}

/** The archive of the SDK for a platform in `folder`, or one below; undefined if there is none. */
export async function findSdkArchive(
  folder: string,
  v8: string,
  platform: string,
): Promise<string | undefined> {
  const name = `v8-sdk-${v8}-${platform}.tar.zst`
  const found = await glob(`**/${name}`, { cwd: folder, deep: 3, absolute: true })
  return found.sort()[0]
}

/**
 * Lets `work` have the package of an SDK, laid out in a temporary folder: what is in the archive, and a package.json.
 *
 * It names no system and no processor: a program can be built for another machine.
 */
export async function withSdkPackage<T>(
  archive: string,
  version: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  return await withUnpacked(archive, async (folder) => {
    const { platform, v8 } = await readSdkManifest(folder)
    const manifest = {
      name: sdkPackage(platform),
      version,
      description: `V8 ${v8.version} with WebAssembly on memory of the embedder: a static library for C++ on ${platform}, with headers, CMake package and pkg-config file`,
      license: 'BSD-3-Clause',
      type: 'commonjs',
      preferUnplugged: true,
      exports: { './manifest.json': './manifest.json', './package.json': './package.json' },
      files: ['include', 'lib', 'share', 'manifest.json'],
    }
    await writeFile(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
    return await work(folder)
  })
}
