import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BuildError } from '../shared/build-error.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { sha256OfFile } from '../shared/hash.ts'

export const manifestName = 'release.json'
export const sumsName = 'SHA256SUMS'

const releaseSchema = z.object({
  version: z.string(),
  /** What was checked out. */
  commit: z.string(),
  /** True when it was made from files that are in no commit, or with prebuilds of other sources. */
  snapshot: z.boolean(),
  /** In the order in which they are to be published. */
  packages: z.array(
    z.object({
      name: z.string(),
      version: z.string(),
      filename: z.string(),
      integrity: z.string(),
    }),
  ),
})

/** What release/release.json says. */
export type Release = z.infer<typeof releaseSchema>

/** The release in `folder`, every file of which is what it was when it was made. */
export async function readRelease(folder: string, signal: AbortSignal): Promise<Release> {
  const again = 'Run "npm run release" first.'
  const release = await readJsonIfValid(join(folder, manifestName), releaseSchema)
  if (!release) throw new BuildError(`There is no release in ${folder}.`, again)
  const sums = await readFile(join(folder, sumsName), 'utf8').catch(() => '')
  const listed = new Map(
    sums
      .split('\n')
      .filter(Boolean)
      .map((line) => [line.slice(66), line.slice(0, 64)]),
  )
  for (const name of [manifestName, ...release.packages.map(({ filename }) => filename)]) {
    if (!listed.has(name)) throw new BuildError(`${sumsName} in ${folder} lacks ${name}.`, again)
  }
  for (const [name, expected] of listed) {
    const found = await sha256OfFile(join(folder, name), signal).catch(() => undefined)
    signal.throwIfAborted()
    if (found === expected) continue
    throw new BuildError(
      `${name} in ${folder} is ${found ? 'not the file' : 'missing'} that ${sumsName} lists.`,
      again,
    )
  }
  return release
}
