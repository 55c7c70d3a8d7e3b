import { readdir, rm, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { z } from 'zod'
import { readJsonIfValid, writeFileDurably } from '../durable-files.ts'
import { sha256OfFile } from '../hash.ts'

const hashesSchema = z.record(z.string(), z.string())

const recordSchema = z.object({
  makers: z.string(),
  sources: hashesSchema,
  /** The files that make has left. */
  files: hashesSchema,
})

/** What a build is made from. */
export interface BuildInputs {
  /** Names what make does not look at: compilers, and what has headers with times of their own, packages and the SDK. */
  readonly makers: string
  /** The hash of each source, by path in the project. */
  readonly sources: Readonly<Record<string, string>>
}

const recordName = 'v8-rawmem-made.json'

/**
 * Empties a build folder whose files make would be wrong about, for it goes by times alone: when something in it is damaged
 * or half made, when a source has changed without being newer, when another compiler or package made it.
 */
export async function removeUntrusted(
  build: string,
  project: string,
  inputs: BuildInputs,
): Promise<void> {
  if (!(await isTrusted(build, project, inputs))) {
    // Not the folder itself, which may be where a file system is mounted.
    for (const name of await readdir(build).catch(() => [])) {
      await rm(join(build, name), { recursive: true, force: true })
    }
  }
  // Whoever is killed from here on leaves no record, and so a folder that is not trusted.
  await rm(join(build, recordName), { force: true })
}

/** Has the next make link anew: what the linker takes of the system, and its version script, are no prerequisites to make. */
export async function removeLinked(build: string): Promise<void> {
  for (const path of await listFiles(build)) {
    if (path.endsWith('.node')) await rm(join(build, path))
  }
}

/** Records what lies in the build folder when make has ended, well or not. */
export async function recordBuild(build: string, inputs: BuildInputs): Promise<void> {
  const files: Record<string, string> = {}
  for (const path of await listFiles(build)) files[path] = await sha256OfFile(join(build, path))
  await writeFileDurably(join(build, recordName), JSON.stringify({ ...inputs, files }))
}

async function isTrusted(build: string, project: string, inputs: BuildInputs): Promise<boolean> {
  const record = await readJsonIfValid(join(build, recordName), recordSchema)
  if (record?.makers !== inputs.makers) return false
  let newest = 0
  for (const [path, sha256] of Object.entries(record.files)) {
    const place = join(build, path)
    if ((await sha256OfFile(place).catch(() => undefined)) !== sha256) return false
    newest = Math.max(newest, (await stat(place)).mtimeMs)
  }
  for (const [path, sha256] of Object.entries(inputs.sources)) {
    if (record.sources[path] === sha256) continue
    if ((await stat(join(project, path))).mtimeMs <= newest) return false
  }
  return newest <= Date.now()
}

async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])
  return entries
    .filter((entry) => entry.isFile() && entry.name !== recordName)
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}
