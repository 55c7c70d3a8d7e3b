import { join } from 'node:path'
import { checkAddon } from '../provenance/check-artifacts.ts'
import { addonNames } from './prebuild-manifest.ts'

/** What a prebuild has that a build of this checkout would not have; empty when it is the one that belongs to it. */
export async function findPrebuildProblems(project: string, folder: string): Promise<string[]> {
  const checked = await Promise.all(
    Object.values(addonNames).map((name) => checkAddon(join(folder, name), project)),
  )
  return [...new Set(checked.flat())]
}
