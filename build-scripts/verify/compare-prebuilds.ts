import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { jsonDifferences } from '../provenance/documents.ts'
import { type Json, sha256 } from '../shared/hash.ts'

/** A file of two prebuild folders, and what is not the same in both; nothing when they have the same bytes. */
interface ComparedFile {
  readonly file: string
  readonly differences: readonly string[]
}

/**
 * Compares what was built for the platforms in `found` with the same platforms in `expected`. Manifests and documents tell
 * in which compiler, library or linked file the machines differ.
 */
export async function comparePrebuilds(expected: string, found: string): Promise<ComparedFile[]> {
  const built = await glob('**/*', { cwd: found })
  const platforms = [...new Set(built.map((file) => file.split('/')[0]!))]
  const there = await glob(
    platforms.map((platform) => `${platform}/**/*`),
    { cwd: expected },
  )
  return await Promise.all(
    [...new Set([...built, ...there])].sort().map(async (file) => ({
      file,
      differences: await differences(file, expected, found),
    })),
  )
}

async function differences(file: string, expected: string, found: string): Promise<string[]> {
  if (!existsSync(join(expected, file))) return ['is not here']
  if (!existsSync(join(found, file))) return ['was not built']
  const [wanted, made] = [await readFile(join(expected, file)), await readFile(join(found, file))]
  if (wanted.equals(made)) return []
  const said = file.endsWith('.json') ? jsonDifferences(parse(wanted), parse(made)) : []
  return said.length > 0 ? said : [`is ${sha256(made)}, should be ${sha256(wanted)}`]
}

function parse(json: Buffer): Json {
  return JSON.parse(json.toString())
}
