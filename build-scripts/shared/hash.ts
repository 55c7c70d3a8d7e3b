import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'

/** Values JSON can carry. */
export type Json =
  | string
  | number
  | boolean
  | null
  | readonly Json[]
  | { readonly [key: string]: Json | undefined }

/** JSON with sorted keys and no white space: equal values give equal text, however they were written down. */
export function canonicalJson(value: Json): string {
  return JSON.stringify(value, (_, member: Json) => {
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}

/** sha256 in hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** sha256 of a value's canonical JSON. */
export function sha256OfJson(value: Json): string {
  return sha256(canonicalJson(value))
}

/**
 * sha256 of a file's bytes, read in pieces.
 *
 * @param size only so many bytes from the beginning
 */
export async function sha256OfFile(path: string, size = Infinity): Promise<string> {
  return await hashOfFile('sha256', path, size)
}

/** sha256 and sha512 of a file's bytes. */
export async function digestsOfFile(path: string): Promise<{ sha256: string; sha512: string }> {
  return { sha256: await hashOfFile('sha256', path), sha512: await hashOfFile('sha512', path) }
}

async function hashOfFile(
  algorithm: 'sha256' | 'sha512',
  path: string,
  size = Infinity,
): Promise<string> {
  const hash = createHash(algorithm)
  const options = { start: 0, end: size - 1, highWaterMark: 1 << 20 }
  for await (const piece of size > 0 ? createReadStream(path, options) : []) {
    hash.update(piece)
  }
  return hash.digest('hex')
}

/** sha256 of each of some files, by its path in a folder. */
export async function hashFiles(
  folder: string,
  paths: readonly string[],
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const path of paths) hashes[path] = await sha256OfFile(join(folder, path))
  return hashes
}
