import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildError } from './build-error.ts'
import { sha256, sha256OfJson } from './hash.ts'
import type { Pin } from './pin.ts'

/** One patch file of the series. */
export interface Patch {
  /** Path relative to the project, for people and for the manifest. */
  readonly name: string
  readonly path: string
  readonly sha256: string
}

/** The patches in the order in which they apply. */
export interface Series {
  readonly patches: readonly Patch[]
  /** Names the series: file names, order and contents. */
  readonly hash: string
}

/** Reads the patch files: the folders in the pin's order, within a folder by name (0001-..., 0002-...). */
export async function readSeries(project: string, pin: Pin): Promise<Series> {
  const patches: Patch[] = []
  for (const folder of pin.patches.series) {
    for (const file of await patchFiles(project, join(pin.patches.folder, folder))) {
      const path = join(project, file)
      patches.push({ name: file, path, sha256: sha256(await readFile(path)) })
    }
  }
  const hash = sha256OfJson(patches.map((patch) => [patch.name, patch.sha256]))
  return { patches, hash }
}

async function patchFiles(project: string, folder: string): Promise<string[]> {
  try {
    const names = await readdir(join(project, folder))
    return names
      .filter((name) => name.endsWith('.patch'))
      .sort()
      .map((name) => join(folder, name))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause
    throw new BuildError(
      `The patch folder ${join(project, folder)}, which v8.lock.json names, is not there.`,
      'Restore it from git, or correct "patches" in v8.lock.json.',
      { cause },
    )
  }
}
