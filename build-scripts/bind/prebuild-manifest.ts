import { join } from 'node:path'
import { z } from 'zod'
import { readJsonIfValid } from '../durable-files.ts'

const prebuildManifestSchema = z.object({
  /** The version of this file's layout. */
  schema: z.literal(1),
  v8: z.string(),
  /** Hash of the v8.lock.json that the SDK was made from. */
  lock: z.string(),
  /** The patches in that V8, in order. */
  patches: z.array(z.object({ name: z.string(), sha256: z.string() })),
  /** True when that V8 had changes that are in no patch. */
  modified: z.boolean(),
  /** Hash of the SDK's manifest, and so of its library and headers. */
  sdk: z.string(),
  /** Hash of the binding's own sources. */
  sources: z.string(),
  compiler: z.string(),
  /** Of the addon, in bytes. */
  size: z.number(),
  /** Of the addon. */
  sha256: z.string(),
})

/** What a prebuilt addon was made from. */
export type PrebuildManifest = z.infer<typeof prebuildManifestSchema>

/** The prebuild's manifest in `folder`, or undefined when there is none that can be read. */
export async function readPrebuildManifest(folder: string): Promise<PrebuildManifest | undefined> {
  return await readJsonIfValid(join(folder, 'manifest.json'), prebuildManifestSchema)
}
