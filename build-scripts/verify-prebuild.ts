import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { glob } from 'zx'
import { AdvisedError } from '../terminal/advised-error.ts'
import { requirePathsForNodeGyp } from './bind/node-gyp.ts'
import { runCommand } from './shared/command.ts'
import { cacheLayout, cacheRoot, repository } from './shared/context.ts'
import { readCheckout } from './shared/git.ts'
import { takeLock } from './shared/lock.ts'
import { loadPin, thisPlatform } from './shared/pin.ts'
import { $ } from './shared/shell.ts'
import { formatDuration, say, sayStage } from './shared/terminal.ts'

const command = new Command('npm run verify:prebuild --')
  .description(
    'Builds V8 and the addon once more from the commit that is checked out, in a clone and a cache of their own, and compares the result with prebuilds/, byte by byte. Takes as long as a cold build: 20 to 45 minutes on two cores. Ctrl-C stops it; the next run goes on.',
  )
  .option(
    '--folder <folder>',
    'where to build (default: verify/<commit> in the cache); a second build belongs into a second folder',
  )
  .option('--jobs <number>', 'compile steps at a time (default: by processors and memory)')
  .option('--keep', 'leave the folder as it is when the bytes are the same')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(
    async (options: { folder?: string; jobs?: string; keep?: boolean; verbose?: boolean }) => {
      await runCommand(options.verbose, () => verify(options))
    },
  )

async function verify(options: { folder?: string; jobs?: string; keep?: boolean }): Promise<void> {
  const started = Date.now()
  const commit = await committed()
  const folder = options.folder
    ? resolve(options.folder)
    : join(cacheRoot(), 'verify', commit.slice(0, 12))
  const checkout = join(folder, 'checkout')
  const cache = join(folder, 'cache')

  sayStage('verify:prebuild', `commit ${commit.slice(0, 12)}, in ${folder}`)
  requirePathsForNodeGyp([folder])
  const lock = await takeLock(join(folder, 'verify.lock'), 'verify:prebuild', {
    wait: false,
    advice: 'Wait for it to end, or name another folder with --folder.',
  })
  await cloneCommit(checkout, commit)
  const npm = async (...args: string[]) => {
    const stdio = ['ignore', 'inherit', 'inherit', lock.fd] as const
    const run = $({ nothrow: true, stdio: [...stdio], cwd: checkout })
    const { exitCode } = await run`npm ${args}`
    if (exitCode === 0) return
    throw new AdvisedError(
      `npm ${args.slice(0, 2).join(' ')} failed in ${checkout}.`,
      'What it said is above. Once that is mended, the next run goes on from there.',
    )
  }
  await npm('ci', '--no-audit', '--no-fund')
  // Archives that are here already are as good as those from elsewhere: the lock has their checksums.
  const archive = (await downloadedArchives()).flatMap((path) => ['--archive', path])
  const jobs = options.jobs ? ['--jobs', options.jobs] : []
  await npm('run', 'v8', '--', '--cache', cache, 'all', ...archive, ...jobs)
  // What the clone brought along must not be what it is compared with. The rest of the platform's package is written by hand.
  const brought = await glob('prebuilds/**', {
    cwd: checkout,
    ignore: ['**/package.json', '**/README.md'],
  })
  for (const path of brought) await rm(join(checkout, path))
  await npm('run', 'build:binding', '--', '--cache', cache)

  // The clone has been told which bytes there should be.
  const git = $({ cwd: checkout })
  const prebuilds = `prebuilds/${thisPlatform}`
  await git`git add --all --force ${prebuilds}`
  const names = (await git`git diff --cached --name-status HEAD -- ${prebuilds}`).stdout.trim()
  if (names !== '') {
    say((await git`git diff --cached HEAD -- ${prebuilds}`).stdout)
    throw new AdvisedError(
      /\.node$/m.test(names)
        ? `The addons that were built are not those in prebuilds/:\n${names}`
        : `The addons are the same, byte for byte, but what is said of them is not:\n${names}\nThat is so where packages of the system, which the documents name, have other versions.`,
      `Both are there to be compared: ${join(checkout, prebuilds)}. docs/reproducibility.md lists what has to agree.`,
    )
  }
  if (!options.keep) await rm(folder, { recursive: true, force: true })
  sayStage(
    'verify:prebuild',
    `the same bytes, after ${formatDuration((Date.now() - started) / 1000)}`,
  )
}

/** The archives of the pin that the cache has. */
async function downloadedArchives(): Promise<string[]> {
  const pin = await loadPin(repository)
  const { downloads } = cacheLayout(cacheRoot(), pin)
  return [pin.source.archive, pin.gn.archive]
    .map(({ file }) => join(downloads, file))
    .filter((path) => existsSync(path))
}

/** The commit that is checked out; what decides the addon's bytes must not differ from it. */
async function committed(): Promise<string> {
  const inputs = ['bindings', 'build-scripts', 'patches', 'prebuilds', 'v8.lock.json']
  const { commit, changes } = await readCheckout(repository, inputs)
  if (changes !== '') {
    throw new AdvisedError(
      `There are changes that are not committed:\n${changes}`,
      'Commit or undo them first: a commit is what gets verified.',
    )
  }
  return commit
}

async function cloneCommit(checkout: string, commit: string): Promise<void> {
  if (!existsSync(join(checkout, '.git'))) {
    if (existsSync(checkout) && (await readdir(checkout)).length > 0) {
      throw new AdvisedError(
        `${checkout} is there already and is no clone of this repository.`,
        'Name another folder with --folder, or remove this one.',
      )
    }
    await mkdir(dirname(checkout), { recursive: true })
    await $`git clone --quiet --no-checkout ${repository} ${checkout}`
  }
  const git = $({ cwd: checkout })
  await git`git fetch --quiet origin ${commit}`
  await git`git checkout --quiet --force --detach ${commit}`
}

await command.parseAsync()
