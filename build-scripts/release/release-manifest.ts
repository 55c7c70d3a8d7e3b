import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { readJsonIfValid } from '../shared/files.ts'
import { $ } from '../shared/shell.ts'

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
export async function readRelease(folder: string): Promise<Release> {
  const again = 'Run "npm run release" first.'
  const release = await readJsonIfValid(join(folder, manifestName), releaseSchema)
  if (!release) throw new AdvisedError(`There is no release in ${folder}.`, again)
  const sums = await readFile(join(folder, sumsName), 'utf8').catch(() => '')
  const lacking = release.packages.find(({ filename }) => !sums.includes(`  ${filename}\n`))
  if (lacking) throw new AdvisedError(`${sumsName} in ${folder} lacks ${lacking.filename}.`, again)
  const env = { ...process.env, LC_ALL: 'C' }
  const run = $({ cwd: folder, env, nothrow: true })
  const checked = await run`sha256sum --check --strict --quiet ${sumsName}`
  if (checked.exitCode !== 0) {
    const [, name = sumsName] = /^(.*): FAILED/m.exec(checked.stdout) ?? []
    throw new AdvisedError(`${name} in ${folder} is not the file that ${sumsName} lists.`, again)
  }
  return release
}
