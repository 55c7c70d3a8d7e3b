import { existsSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256 } from '../../build-scripts/shared/hash.ts'

/** The hash of every file that a build is for, by path; links are their targets. */
export type Artifact = ReadonlyMap<string, string>

// Not part of what was made: notes of the build to itself, and what a kill left of a file that was not whole.
const besides = /(^|\/)(packed-[0-9a-f]+\.json|making(\/|$)|[^/]*\.new-\d+$)/

/** Reads what lies in the folders: an SDK with its archive, the addons. */
export async function readArtifact(folders: Readonly<Record<string, string>>): Promise<Artifact> {
  const found = new Map<string, string>()
  for (const [name, folder] of Object.entries(folders)) {
    if (!existsSync(folder)) continue
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      const inside = path.slice(folder.length + 1)
      if (besides.test(inside)) continue
      const label = `${name}/${inside}`
      if (entry.isSymbolicLink()) found.set(label, `-> ${await readlink(path)}`)
      else if (entry.isFile()) found.set(label, sha256(await readFile(path)))
    }
  }
  return found
}

/** What differs between two artifacts, one line each. */
export function differences(expected: Artifact, found: Artifact): string[] {
  const paths = [...new Set([...expected.keys(), ...found.keys()])].sort()
  return paths
    .filter((path) => expected.get(path) !== found.get(path))
    .map(
      (path) =>
        `${path}: ${found.get(path) ?? 'missing'} instead of ${expected.get(path) ?? 'nothing'}`,
    )
}
