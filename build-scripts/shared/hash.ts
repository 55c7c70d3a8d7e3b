import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

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
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value !== null && typeof value === 'object') {
    const members = Object.entries(value as Record<string, Json | undefined>)
      .filter((member): member is [string, Json] => member[1] !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`)
    return `{${members.join(',')}}`
  }
  return JSON.stringify(value)
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
export async function sha256OfFile(
  path: string,
  signal?: AbortSignal,
  size = Infinity,
): Promise<string> {
  const hash = createHash('sha256')
  const file = await open(path)
  try {
    const { size: whole } = await file.stat()
    const piece = Buffer.allocUnsafe(Math.max(1, Math.min(whole, size, 1 << 22)))
    for (let left = size; left > 0; ) {
      signal?.throwIfAborted()
      const { bytesRead } = await file.read(piece, 0, Math.min(piece.length, left))
      if (bytesRead === 0) break
      hash.update(piece.subarray(0, bytesRead))
      left -= bytesRead
    }
  } finally {
    await file.close()
  }
  return hash.digest('hex')
}

/** sha256 and sha512 of a file's bytes, read once. */
export async function digestsOfFile(path: string): Promise<{ sha256: string; sha512: string }> {
  const [sha256, sha512] = [createHash('sha256'), createHash('sha512')]
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), async (chunks) => {
    for await (const chunk of chunks) {
      sha256.update(chunk)
      sha512.update(chunk)
    }
  })
  return { sha256: sha256.digest('hex'), sha512: sha512.digest('hex') }
}

/** sha256 of each of some files, by its path in a folder. */
export async function hashFiles(
  folder: string,
  paths: readonly string[],
  signal?: AbortSignal,
): Promise<Record<string, string>> {
  const hashes: Record<string, string> = {}
  for (const path of paths) hashes[path] = await sha256OfFile(join(folder, path), signal)
  return hashes
}
