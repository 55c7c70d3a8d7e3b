import { closeSync, fsyncSync, openSync } from 'node:fs'
import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { z } from 'zod'

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
export async function writeFileDurably(path: string, content: string): Promise<void> {
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
