import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { claimOfSdk, damagedFiles, manifestName, readSdkManifest } from '../package/sdk-manifest.ts'
import { checkDocuments, jsonDifferences } from '../provenance/documents.ts'
import { v8InputsOf } from '../provenance/statement.ts'
import { withUnpacked } from '../provenance/unpack.ts'
import { argsOf, hashPin } from '../shared/pin.ts'

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

/** What is wrong with the archive of an SDK and its documents, beside a checkout. */
export async function checkSdkArchive(archive: string, project: string): Promise<string[]> {
  return await withUnpacked(archive, async (root) => {
    const manifest = await readSdkManifest(root)
    return await checkDocuments(archive, root, async () => {
      const inputs = await v8InputsOf(project)
      const args = argsOf(inputs.pin, manifest.platform)
      return claimOfSdk({ ...manifest, args, modified: false }, inputs)
    })
  })
}

/** What an SDK has, by its own manifest, that one of this checkout would not have. */
export async function checkSdk(root: string, project: string): Promise<string[]> {
  const { pin, patches } = await v8InputsOf(project)
  const manifest = await readSdkManifest(root)
  const damaged = await damagedFiles(root)
  const expected = {
    lock: hashPin(pin),
    patches: patches.map(({ name, sha256 }) => ({ name, sha256 })),
    modified: false,
  }
  const { lock, patches: made, modified } = manifest
  return [
    ...damaged.map((path) => `${path} is not what ${manifestName} says`),
    ...jsonDifferences(expected, { lock, patches: made, modified }, manifestName),
  ]
}
