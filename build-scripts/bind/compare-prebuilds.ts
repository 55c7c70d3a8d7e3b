import { join } from 'node:path'
import { glob } from 'zx'
import { sha256OfFile } from '../hash.ts'

/** A file of two prebuild folders. Hashes are SHA-256; undefined where the file is missing. */
export interface ComparedFile {
  readonly file: string
  readonly expected: string | undefined
  readonly found: string | undefined
}

/**
 * Compares what was built for the platforms in `found` with the same platforms in `expected`, manifests included: they say
 * what the addons were made from.
 */
export async function comparePrebuilds(expected: string, found: string): Promise<ComparedFile[]> {
  const built = await glob('**/*', { cwd: found })
  const platforms = new Set(built.map((file) => file.split('/')[0]!))
  const there = (await glob('**/*', { cwd: expected })).filter((file) =>
    platforms.has(file.split('/')[0]!),
  )
  const hashOf = (folder: string, file: string) =>
    sha256OfFile(join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined
      throw error
    })
  return await Promise.all(
    [...new Set([...built, ...there])].sort().map(async (file) => ({
      file,
      expected: await hashOf(expected, file),
      found: await hashOf(found, file),
    })),
  )
}
