import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, open, readdir, readFile, rename } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { z } from 'zod'

/** Makes a folder's entries (new names, renames) survive a power cut. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

/** Renames so that, whenever the machine stops, either the old or the new name is there, never half of it. */
export async function renameDurably(from: string, to: string): Promise<void> {
  await rename(from, to)
  syncFolder(dirname(to))
}

/** Writes a file so that a reader finds all of it or none of it, power cuts included. */
export async function writeFileDurably(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = `${path}.new-${process.pid}`
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await renameDurably(temporary, path)
}

/** Copies a file to a place whose folder may be missing. */
export async function put(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true })
  await copyFile(from, to)
}

/** Does `work`, then removes what is at `path`; also if an interruption ends the process. */
export async function withTemporary<T>(path: string, work: () => Promise<T>): Promise<T> {
  const remove = () => rmSync(path, { recursive: true, force: true })
  process.once('exit', remove)
  try {
    return await work()
  } finally {
    process.off('exit', remove)
    remove()
  }
}

/** Does `work` with an empty temporary folder. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'v8-rawmem-'))
  return await withTemporary(folder, () => work(folder))
}

/** A JSON file's content when it is there and has the shape asked for; otherwise undefined. */
export async function readJsonIfValid<T>(
  path: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return parsed.success ? parsed.data : undefined
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === 'ENOENT') {
      return undefined
    }
    throw error
  }
}

const stampSchema = z.object({
  key: z.string(),
  /** Hash of the result. */
  result: z.string().optional(),
})

/**
 * A stage's stamp says from what its result was made. It is written last and durably, so that a stage that was
 * interrupted at any point has none, or that of an earlier key, and is taken up again.
 */
export async function isStamped(path: string, key: string): Promise<boolean> {
  return (await readJsonIfValid(path, stampSchema))?.key === key
}

/** The hash of the result that was stamped, when it was one. */
export async function stampedResult(path: string): Promise<string | undefined> {
  return (await readJsonIfValid(path, stampSchema))?.result
}

/** Marks a stage's result as made, whole, from what `key` names. */
export async function stamp(path: string, key: string, result?: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFileDurably(path, `${JSON.stringify({ key, result })}\n`)
}

/** All files in a folder and those in it, as paths relative to it, in order; links count as files. */
export async function listFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .sort()
}
