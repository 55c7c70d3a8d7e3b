import { existsSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { Command } from 'commander'
import { glob } from 'zx'
import { AdvisedError } from '../terminal/advised-error.ts'
import { runCommand } from './shared/command.ts'
import { cacheLayout, cacheRoot, repository } from './shared/context.ts'
import { loadPin } from './shared/pin.ts'
import { $ } from './shared/shell.ts'
import { mark, say } from './shared/terminal.ts'
import { checkArtifact } from './verify/check-artifact.ts'

interface Options {
  readonly cache?: string
  readonly verbose?: boolean
}

const command = new Command('npm run verify:provenance --')
  .description(
    "Checks artifacts against the bill of materials and the statement of provenance beside them, and those against this checkout: the artifacts' hashes, the licences of all that is inside, the pinned sources, the patches, the packages of npm. Builds nothing, and needs no network.",
  )
  .argument(
    '[artifacts...]',
    'addons (*.node), SDKs (*.tar.zst) or packages of npm (*.tgz); default: the addons in prebuilds/, what is in release/ and the SDK in the cache, as far as they are there',
  )
  .option('--cache <folder>', 'the cache folder (default: $XDG_CACHE_HOME/v8-rawmem)')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(async (artifacts: string[], options: Options) => {
    await runCommand(options.verbose, async () => {
      const named = artifacts.map((path) => resolve(path))
      const absent = named.find((path) => !existsSync(path))
      if (absent) {
        throw new AdvisedError(`${absent} is not there.`, 'Name an artifact, or none to check all.')
      }
      await verify(named.length > 0 ? named : await allArtifacts(options.cache))
    })
  })

async function verify(artifacts: readonly string[]): Promise<void> {
  const git = $({ cwd: repository, nothrow: true })
  const commit = (await git`git rev-parse --verify HEAD`).stdout.trim() || undefined
  const checkout = { project: repository, commit }
  let wrong = 0
  for (const artifact of artifacts) {
    const problems = await checkArtifact(artifact, checkout)
    const shown = relative(process.cwd(), artifact)
    say(
      `${mark(problems.length === 0 ? 'ok' : 'wrong')} ${shown.startsWith('..') ? artifact : shown}`,
    )
    for (const problem of problems) say(`        ${problem}`)
    if (problems.length > 0) wrong++
  }
  if (wrong === 0) return
  throw new AdvisedError(
    `${wrong} of ${artifacts.length} artifacts ${wrong === 1 ? 'is' : 'are'} not what the documents or this checkout say.`,
    'An artifact goes with one version: check that out first. If it is checked out, do not use the artifact, or build it again. docs/provenance.md tells what each of the lines means.',
  )
}

async function allArtifacts(cache: string | undefined): Promise<string[]> {
  const { sdk } = cacheLayout(cacheRoot(cache), await loadPin(repository))
  const found = [
    ...(await glob(['prebuilds/*/*.node', 'release/*.{tgz,tar.zst}'], { cwd: repository })).map(
      (path) => join(repository, path),
    ),
    ...(await glob('*.tar.zst', { cwd: sdk })).map((path) => join(sdk, path)),
  ].sort()
  if (found.length > 0) return found
  throw new AdvisedError(
    'There is no artifact here.',
    'Name one, or make one: npm run build:binding, npm run v8 -- package',
  )
}

await command.parseAsync()
