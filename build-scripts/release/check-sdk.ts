import { v8InputsOf } from '../bind/check-addon.ts'
import { claimOfSdk, damagedFiles, manifestName, readSdkManifest } from '../package/sdk-manifest.ts'
import { checkDocuments, jsonDifferences } from '../provenance/documents.ts'
import { withUnpacked } from '../provenance/unpack.ts'
import { argsOf, hashPin } from '../shared/pin.ts'

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
