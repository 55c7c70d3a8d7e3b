import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, rm } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { upstreamTag } from '../../build-scripts/fetch/fetch.ts'
import { requireUpstreamPin } from '../../build-scripts/fetch/upstream-pin.ts'
import { runCommand } from '../../build-scripts/shared/command.ts'
import {
  type BuildContext,
  cacheLayout,
  cacheRoot,
  openContext,
} from '../../build-scripts/shared/context.ts'
import { gitIn } from '../../build-scripts/shared/git.ts'
import { takeLock } from '../../build-scripts/shared/lock.ts'
import { formatDuration, say, sayStage } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { type Fault, type GitRequest, serveGit } from '../support/git-server.ts'
import { typescript } from '../support/typescript.ts'
import { type LoopbackUpstream, makeLoopbackUpstream } from './loopback-upstream.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

interface Options {
  cache?: string
  folder?: string
  keep?: boolean
  verbose?: boolean
}

const command = new Command('npm run test:upstream --')
  .description(
    'Runs the real gclient against repositories on the loopback interface that hold the files of the archive: once to a configured build, once with a server that hangs up.',
  )
  .option('--cache <folder>', 'the cache with the archive and, if it is there, the built GN')
  .option(
    '--folder <folder>',
    'where the repositories and builds go (default: upstream-test/ in the cache)',
  )
  .option('--keep', 'leave the builds there; they take a gigabyte each')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(async (options: Options) => {
    await runCommand(options.verbose, () => test(options))
  })

async function test(options: Options): Promise<void> {
  const context = await openContext({
    project: repository,
    cache: options.cache,
  })
  const folder = resolve(options.folder ?? join(cacheRoot(options.cache), 'upstream-test'))
  const lock = await takeLock(join(folder, 'test.lock'), 'test:upstream', { wait: true })
  try {
    const upstream = await timed('loopback upstream', () =>
      makeLoopbackUpstream(context, join(folder, 'loopback')),
    )
    const calm = await timed('a server that answers, to a configured build', () =>
      calmly(context, upstream, join(folder, 'calm')),
    )
    const rough = await timed('a server that hangs up', () =>
      roughly(context, upstream, join(folder, 'rough')),
    )
    if (calm !== rough)
      throw new AdvisedError(
        `The trees differ: ${calm} and ${rough}.`,
        'A fetch that was interrupted left something wrong behind.',
      )
    if (!options.keep) {
      await rm(join(folder, 'calm'), { recursive: true })
      await rm(join(folder, 'rough'), { recursive: true })
    }
    sayStage('test:upstream', `passed; both gave the commit ${calm}`)
  } finally {
    lock.release()
  }
}

/** Everything goes well: the sources, the patches, and GN's files. */
async function calmly(
  context: BuildContext,
  upstream: LoopbackUpstream,
  cache: string,
): Promise<string> {
  await rm(cache, { recursive: true, force: true })
  await borrowGn(context, cache)
  const server = await serveGit(upstream.repositories)
  try {
    const run = (args: readonly string[]) => runBuild(upstream, cache, server.url, args)
    await run(['fetch', '--source', 'depot_tools'])
    await run(['patch'])
    await run(['configure'])
    await run(['fetch'])
  } finally {
    await server.close()
  }
  await requireOnly(context, server.requests)
  const layout = cacheLayout(cache, context.pin)
  requireThere(join(layout.buildDirectory, 'build.ninja'))
  if (existsSync(layout.checkout)) throw new AdvisedError(`${layout.checkout} was left behind.`, '')
  const $git = gitIn(layout.tree)
  const commits = (await $git`git rev-list --count ${upstreamTag}..HEAD`).stdout.trim()
  if (Number(commits) !== context.series.patches.length) {
    throw new AdvisedError(
      `${commits} patches are applied, not ${context.series.patches.length}.`,
      '',
    )
  }
  return await requireTree(context, layout.tree)
}

/** Connections break in the midst of objects, and a gateway has a bad moment. */
async function roughly(
  context: BuildContext,
  upstream: LoopbackUpstream,
  cache: string,
): Promise<string> {
  await rm(cache, { recursive: true, force: true })
  await borrowGn(context, cache)
  const server = await serveGit(upstream.repositories, roughFault)
  try {
    await runBuild(upstream, cache, server.url, ['fetch', '--source', 'depot_tools'])
  } finally {
    await server.close()
  }
  say(`${server.faults.count} of ${server.requests.length} requests went wrong`)
  if (server.faults.count < 8)
    throw new AdvisedError('Too few requests went wrong to show anything.', '')
  return await requireTree(context, cacheLayout(cache, context.pin).tree)
}

// One kilobyte is within the first answer; megabytes are in the midst of a pack.
function roughFault({ repository: name, isFetch, count }: GitRequest): Fault {
  if (!isFetch) return name.endsWith('/icu.git') && count === 1 ? { status: 503 } : undefined
  // Asking for references is a request of the same kind in git's protocol 2, hence the odd counts.
  if (name.endsWith('v8/v8.git') && count <= 7) return { hangUpAfter: 1_000_000 * count }
  if (name.endsWith('chromium/src.git') && count <= 6) return { hangUpAfter: 300_000 * count }
  if (name.endsWith('depot_tools.git') && count <= 4) return { hangUpAfter: 1_000 }
  if (name.endsWith('libcxx.git') && count <= 2) return { hangUpAfter: 2_000_000 }
  return undefined
}

/** Every repository that is pinned was asked, and no other. */
async function requireOnly(context: BuildContext, requests: readonly GitRequest[]): Promise<void> {
  const pin = await requireUpstreamPin(context)
  const { gn: _, ...wanted } = {
    ...Object.fromEntries(
      Object.entries(pin.repositories).map(([place, { url }]) => [place, pathOf(url)]),
    ),
    chromium: pathOf(pin.chromium.url),
    gn: pathOf(pin.gn.url),
  }
  const asked = new Set(requests.map((request) => request.repository))
  const expected = new Set(Object.values(wanted))
  const strange = [...asked].filter((name) => !expected.has(name) && name !== pathOf(pin.gn.url))
  const missed = [...expected].filter((name) => !asked.has(name))
  if (strange.length + missed.length === 0) return
  throw new AdvisedError(
    `gclient did not ask for what is pinned.\n  too much: ${strange.join(', ') || 'nothing'}\n  too little: ${missed.join(', ') || 'nothing'}`,
    'See build-scripts/fetch/gclient.ts.',
  )
}

function pathOf(url: string): string {
  return new URL(url).pathname.slice(1)
}

/** The tree must be the pinned one, on a commit that depends on nothing else. */
async function requireTree(context: BuildContext, tree: string): Promise<string> {
  const pin = await requireUpstreamPin(context)
  const $git = gitIn(tree)
  const found = (await $git`git rev-parse ${`${upstreamTag}^{tree}`}`).stdout.trim()
  if (found !== pin.tree)
    throw new AdvisedError(`${tree} has the tree ${found}.`, `It should be ${pin.tree}.`)
  const edited = (await $git`git status --porcelain`).stdout.trim()
  if (edited) throw new AdvisedError(`${tree} is not clean:\n${edited}`, '')
  return (await $git`git rev-parse ${upstreamTag}`).stdout.trim()
}

function requireThere(path: string): void {
  if (!existsSync(path))
    throw new AdvisedError(`There is no ${path}.`, 'The stage that makes it has not.')
}

/** A GN that is built already saves minutes; without it, one is built. */
async function borrowGn(context: BuildContext, cache: string): Promise<void> {
  const from = context.cache.toolchain
  const to = cacheLayout(cache, context.pin).toolchain
  for (const name of await readdir(from).catch(() => [])) {
    if (!existsSync(join(from, name, 'stamp.json'))) continue
    await mkdir(join(to, name, 'out'), { recursive: true })
    for (const file of ['stamp.json', 'source.json', 'out/gn']) {
      await cp(join(from, name, file), join(to, name, file))
    }
  }
}

/** Runs a stage of the build in a process group of its own, without a way to any other host. */
async function runBuild(
  upstream: LoopbackUpstream,
  cache: string,
  mirror: string,
  args: readonly string[],
): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      ...[...typescript, join(repository, 'build-scripts/cli.ts')],
      ...['--project', upstream.project, '--cache', cache, '--verbose', ...args],
      ...(args[0] === 'fetch' ? ['--mirror', mirror] : []),
    ],
    {
      cwd: repository,
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: {
        ...process.env,
        // Port 9 takes nothing: whatever is not on the loopback interface fails at once.
        http_proxy: 'http://127.0.0.1:9',
        https_proxy: 'http://127.0.0.1:9',
        no_proxy: '127.0.0.1',
        V8_RAWMEM_ARCHIVE: '',
        V8_RAWMEM_GIT_MIRROR: '',
      },
    },
  )
  const end = (name: NodeJS.Signals) => {
    if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, name)
  }
  const kill = () => end('SIGKILL')
  process.once('exit', kill)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  process.removeListener('exit', kill)
  if (code !== 0)
    throw new AdvisedError(
      `"v8 ${args.join(' ')}" ended with code ${code}.`,
      'Its output is above.',
    )
}

async function timed<T>(name: string, work: () => Promise<T>): Promise<T> {
  sayStage('test:upstream', name)
  const started = Date.now()
  const result = await work()
  sayStage('test:upstream', `${name}: ${formatDuration((Date.now() - started) / 1000)}`)
  return result
}

await command.parseAsync()
