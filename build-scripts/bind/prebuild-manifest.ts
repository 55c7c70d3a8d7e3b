import { join } from 'node:path'
import { z } from 'zod'
import { readJsonIfValid, writeFileDurably } from '../shared/files.ts'

/** The addon with V8 inside, and the one without, for the backends on Node's own V8. */
export const addonNames = { engine: 'v8-rawmem.node', node: 'v8-rawmem-node.node' } as const

const nodeAddonSchema = z.object({
  /** Hash of the binding's own sources. */
  sources: z.string(),
  compiler: z.string(),
  /** The system's C++ and C library: the compiler takes code from their headers. */
  libraries: z.record(z.string(), z.string()),
  /** Of the addon, in bytes. */
  size: z.number(),
  /** Of the addon. */
  sha256: z.string(),
})

const engineAddonSchema = z.object({
  v8: z.string(),
  /** Hash of the v8.lock.json that the SDK was made from. */
  lock: z.string(),
  /** The patches in that V8, in order. */
  patches: z.array(z.object({ name: z.string(), sha256: z.string() })),
  /** True when that V8 had changes that are in no patch. */
  modified: z.boolean(),
  /** Hash of the SDK's manifest, and so of its library and headers. */
  sdk: z.string(),
  ...nodeAddonSchema.shape,
})

/** Grows with every change of what is in the folder. */
export const prebuildSchema = 3

const prebuildManifestSchema = z.object({
  /** The version of this file's layout. */
  schema: z.literal(prebuildSchema),
  engine: engineAddonSchema.optional(),
  node: nodeAddonSchema.optional(),
})

/** What an addon was made from. */
export type NodeAddon = z.infer<typeof nodeAddonSchema>
export type EngineAddon = z.infer<typeof engineAddonSchema>

/** What the prebuilt addons of a platform were made from. */
export type PrebuildManifest = z.infer<typeof prebuildManifestSchema>

/** The prebuilds' manifest in `folder`, or undefined when there is none that can be read. */
export async function readPrebuildManifest(folder: string): Promise<PrebuildManifest | undefined> {
  return await readJsonIfValid(join(folder, 'manifest.json'), prebuildManifestSchema)
}

/** Writes the manifest in the order of its schema, so that the bytes do not tell which addon was made last. */
export async function writePrebuildManifest(
  folder: string,
  manifest: PrebuildManifest,
): Promise<void> {
  const ordered = prebuildManifestSchema.parse(manifest)
  await writeFileDurably(join(folder, 'manifest.json'), `${JSON.stringify(ordered, null, 2)}\n`)
}
