import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { Sources } from '../../build-scripts/fetch/sources.ts'
import { upstreamFolder } from '../../build-scripts/fetch/upstream-pin.ts'
import { checkPatches } from '../../build-scripts/patch/patch.ts'
import { roll } from '../../build-scripts/roll/roll.ts'
import { runCommand, withLock } from '../../build-scripts/shared/command.ts'
import { cacheRoot, openContext } from '../../build-scripts/shared/context.ts'
import { type Json, sha256OfJson } from '../../build-scripts/shared/hash.ts'
import { loadPin, lockName, type Pin } from '../../build-scripts/shared/pin.ts'
import { $ } from '../../build-scripts/shared/shell.ts'
import { formatDuration, sayStage } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

interface Options {
  cache?: string
  archive: string[]
  keep?: boolean
  verbose?: boolean
}

const command = new Command('npm run test:roll --')
  .description(
    'Rolls the real V8 once more: from the version that was pinned before, as the history of this repository has it, to the pin. The lock file and upstream/ must come out as they are here. Takes both archives, 4 GB of disk and some minutes.',
  )
  .option('--cache <folder>', 'the cache with the archives; what is missing is fetched')
  .option(
    '--archive <place>',
    'an archive as a path, a URL, or a folder with archives; repeatable',
    (place: string, all: string[]) => [...all, place],
    [],
  )
  .option('--keep', 'leave the work trees in roll-test/ of the cache')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(async (options: Options) => {
    await runCommand(options.verbose, () => test(options))
  })

async function test(options: Options): Promise<void> {
  const started = Date.now()
  const pin = await loadPin(repository)
  const folder = join(cacheRoot(options.cache), 'roll-test')
  const project = join(folder, 'project')
  await rm(folder, { recursive: true, force: true })
  await mkdir(project, { recursive: true })
  const from = await checkOutPrevious(pin, project)
  sayStage('test:roll', `from V8 ${from} to ${pin.v8.version}`)
  const cache = join(folder, 'cache')
  await lendDownloads(join(cacheRoot(options.cache), 'downloads'), join(cache, 'downloads'))

  const context = await openContext({ project, cache })
  const sources = new Sources({ archive: options.archive })
  const locked = { wait: true }
  await withLock(context.cache, context.cache.lock, 'test:roll', locked, () =>
    roll(context, sources, { to: pin.chromium.version }),
  )
  const rolled = await openContext({ project, cache })
  requireEqual('v8.lock.json', comparable(rolled.pin), comparable(pin))
  for (const name of await readdir(join(repository, upstreamFolder))) {
    const [ours, theirs] = await Promise.all(
      [repository, project].map((root) => readFile(join(root, upstreamFolder, name), 'base64')),
    )
    requireEqual(`${upstreamFolder}/${name}`, theirs!, ours!)
  }
  await checkPatches(rolled)
  if (!options.keep) await rm(folder, { recursive: true })
  const seconds = (Date.now() - started) / 1000
  sayStage('test:roll', `passed, in ${formatDuration(seconds)}`)
}

/** What a roll decides: neither where Debian has the archive, nor how V8 is built. */
function comparable({ v8, chromium, source, patches }: Pin): Json {
  const { debian: _, ...archive } = source.archive
  return { v8, chromium, source: { ...source, archive }, folder: patches.folder }
}

function requireEqual(what: string, found: Json, expected: Json): void {
  if (sha256OfJson(found) === sha256OfJson(expected)) return
  throw new AdvisedError(
    `${what} comes out other than it is here:\n${JSON.stringify(found).slice(0, 2000)}`,
    'Either the file was changed by hand after the roll, or the roll does something else now.',
  )
}

/**
 * Puts the lock file, upstream/ and the patches of the last commit with another version of V8 into a folder.
 *
 * @returns that version
 */
async function checkOutPrevious(pin: Pin, folder: string): Promise<string> {
  const git = $({ cwd: repository })
  const commits = (await git`git log --format=%H -- ${lockName}`).stdout.split('\n')
  for (const commit of commits.filter(Boolean)) {
    const { stdout } = await git`git show ${`${commit}:${lockName}`}`
    const previous: Pin = JSON.parse(stdout)
    const { version } = previous.v8
    if (version === pin.v8.version) continue
    await git`git archive ${commit} ${upstreamFolder} patches | tar --extract --directory ${folder}`
    // How V8 is built may be written otherwise since then, and a roll leaves it as it is.
    const lock = { ...previous, build: pin.build }
    await writeFile(join(folder, lockName), `${JSON.stringify(lock, undefined, 2)}\n`)
    return version
  }
  throw new AdvisedError(
    `The history of ${lockName} has no version but ${pin.v8.version}.`,
    'The rehearsal needs the history of the repository: git fetch --unshallow.',
  )
}

/** Archives that are there, as links. */
async function lendDownloads(from: string, to: string): Promise<void> {
  await mkdir(to, { recursive: true })
  if (!existsSync(from)) return
  for (const name of await readdir(from)) {
    if (name.endsWith('.part')) continue
    await $`cp --link ${join(from, name)} ${join(to, name)}`.catch(() =>
      cp(join(from, name), join(to, name)),
    )
  }
}

await command.parseAsync()
