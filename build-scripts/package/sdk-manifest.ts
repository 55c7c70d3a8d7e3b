import { realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { component, componentSchema } from '../provenance/component.ts'
import { writeDocuments } from '../provenance/documents.ts'
import {
  type Claim,
  toolDependencies,
  type V8Inputs,
  v8Dependencies,
} from '../provenance/statement.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { sha256OfFile, sha256OfJson } from '../shared/hash.ts'
import { sdkLicences } from './sdk-files.ts'

/** Grows when the SDK's layout changes or its manifest's. */
export const sdkSchema = 3

const sdkManifestSchema = z.object({
  /** The version of this file's layout. */
  schema: z.literal(sdkSchema),
  v8: z.object({ version: z.string(), chromium: z.string() }),
  platform: z.string(),
  /** Hash of v8.lock.json's content. */
  lock: z.string(),
  /** The patches in order, each with the sha256 of its file. */
  patches: z.array(z.object({ name: z.string(), sha256: z.string() })),
  /** True when the work tree had changes that are in no patch. */
  modified: z.boolean(),
  /** GN's arguments. */
  args: z.record(z.string(), z.union([z.boolean(), z.number(), z.string()])),
  compiler: z.string(),
  /** The system's C++ and C library: the compiler takes code from their headers. */
  libraries: z.record(z.string(), z.string()),
  /** What is in the library, with what of it the licences are. */
  components: z.array(componentSchema),
  /** sha256 of every other file of the SDK, by path. */
  files: z.record(z.string(), z.string()),
})

/** What an SDK was made from and what is in it. */
export type SdkManifest = z.infer<typeof sdkManifestSchema>

/** The manifest's name in the SDK. */
export const manifestName = 'manifest.json'

/** Reads the manifest of the SDK in `folder`. */
export async function readSdkManifest(folder: string): Promise<SdkManifest> {
  const path = join(folder, manifestName)
  const manifest = await readJsonIfValid(path, sdkManifestSchema)
  if (manifest) return manifest
  throw new AdvisedError(
    `${folder} is not a V8 SDK: ${path} is missing or of another kind.`,
    'Name an unpacked SDK with --sdk, or make one with: npm run v8 -- all',
  )
}

/** The files of an SDK that are not what its manifest says, by their paths in it. */
export async function damagedFiles(folder: string): Promise<string[]> {
  const manifest = await readJsonIfValid(join(folder, manifestName), sdkManifestSchema)
  if (!manifest) return [manifestName]
  const damaged: string[] = []
  // In the cache, the folder has the name of the manifest's hash.
  const name = basename(await realpath(folder))
  const isNamedByHash = /^[0-9a-f]{16}$/.test(name)
  if (isNamedByHash && !sha256OfJson(manifest).startsWith(name)) damaged.push(manifestName)
  for (const [path, expected] of Object.entries(manifest.files)) {
    const found = await sha256OfFile(join(folder, path)).catch(() => undefined)
    if (found !== expected) damaged.push(path)
  }
  return damaged
}

/** Writes the documents of an SDK's archive: what is in it, by the manifest in it, and of what it was made. */
export async function writeSdkDocuments(
  archive: string,
  manifest: SdkManifest,
  inputs: V8Inputs,
): Promise<void> {
  const name = basename(archive)
  await writeDocuments(archive, {
    bill: {
      artifact: component({
        ref: name,
        name,
        version: manifest.v8.version,
        licence: 'BSD-3-Clause',
        texts: ['LICENSE', 'LICENSE.v8'].map((path) => ({
          path,
          sha256: manifest.files[`${sdkLicences}${path}`]!,
        })),
        digests: { sha256: await sha256OfFile(archive) },
        needs: ['v8'],
      }),
      components: manifest.components,
      licences: sdkLicences,
    },
    claim: claimOfSdk(manifest, inputs),
  })
}

/** Of what an SDK is made. */
export function claimOfSdk(manifest: SdkManifest, inputs: V8Inputs): Claim {
  const { v8, platform, args, modified } = manifest
  return {
    kind: 'sdk',
    parameters: { v8: v8.version, platform, args, modified },
    dependencies: [...v8Dependencies(inputs), ...toolDependencies(manifest)],
  }
}
