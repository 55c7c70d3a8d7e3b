import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { sha256OfFile } from '../hash.ts'
import { type EngineAddon, readPrebuildManifest } from './prebuild-manifest.ts'

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

/**
 * In sentences, what decides about bytes and is not the same on the machines where two prebuild folders were made: compiler, C++
 * and C library.
 */
export async function differentToolchains(expected: string, found: string): Promise<string[]> {
  const sentences: string[] = []
  for (const platform of await readdir(found)) {
    const [theirs, ours] = await Promise.all(
      [expected, found].map((folder) => readPrebuildManifest(join(folder, platform))),
    )
    if (!theirs?.engine || !ours?.engine) continue
    const there = toolchain(theirs.engine)
    const here = toolchain(ours.engine)
    if (there !== here)
      sentences.push(`prebuilds/${platform} was made with ${there}; here is ${here}.`)
  }
  return sentences
}

function toolchain({ compiler, libraries }: EngineAddon): string {
  const versions = Object.entries(libraries).map(([name, version]) => `${name} ${version}`)
  return [compiler, ...versions.sort()].join(', ')
}
