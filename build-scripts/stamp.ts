import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'
import { readJsonIfValid, writeFileDurably } from './durable-files.ts'

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
