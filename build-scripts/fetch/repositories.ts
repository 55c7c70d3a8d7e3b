import { link, lstat, mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { requireFreeBytes } from '../shared/disk.ts'
import { say } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { gclientSync, requireGclientPython } from './gclient.ts'
import { type Mirror, NetworkGit, removeLocks, retryNetwork } from './git-network.ts'
import {
  depotToolsPath,
  loadUpstreamFiles,
  type PinnedRepository,
  type UpstreamPin,
} from './upstream-pin.ts'

/** Where Chromium's own repository lies in the checkout, beside the others. */
const chromiumPath = 'chromium'

/** All addresses that a pin names. */
function upstreamUrls(pin: UpstreamPin): string[] {
  const repositories = [pin.chromium, pin.gn, ...Object.values(pin.repositories)]
  return repositories.map(({ url }) => url)
}

/**
 * Brings the repositories to their pinned revisions: depot_tools and Chromium's own by git, all others by gclient. An
 * interrupted run goes on with the repositories that are not whole.
 *
 * @param checkout the folder for them, laid out as Chromium's tree
 */
export async function syncUpstream(
  context: BuildContext,
  pin: UpstreamPin,
  checkout: string,
  mirrors: readonly Mirror[],
): Promise<void> {
  await requireTools('fetch --source depot_tools', [tools.git])
  const python = await requireGclientPython()
  await requireFreeBytes(checkout, context.pin.source.unpackedSize * 3, 'the checkout of V8')
  const network = new NetworkGit(mirrors, upstreamUrls(pin))

  const depotTools = pin.repositories[depotToolsPath]!
  say(`depot_tools at ${depotTools.revision} ...`)
  await fetchRepository(network, depotTools, join(checkout, depotToolsPath))
  say(`Chromium's own folders at ${pin.chromium.revision} ...`)
  await fetchRepository(network, pin.chromium, join(checkout, chromiumPath), pin.chromium.folders)
  await gclientSync(pin, { network, checkout, python, logs: context.cache.logs })
}

/**
 * One commit of a repository, without history, checked out. With `folders`, only these: the server is asked for their
 * files alone, so that a repository of many gigabytes costs some megabytes.
 */
async function fetchRepository(
  network: NetworkGit,
  { url, revision }: PinnedRepository,
  folder: string,
  folders?: readonly string[],
): Promise<void> {
  const ref = `refs/v8-rawmem/${revision.replace(/^refs\//, '')}`
  const git = (...args: string[]) => network.run(folder, ...args)
  await retryNetwork(`fetching ${url}`, folder, async () => {
    if ((await network.resolve(folder, `${ref}^{commit}`)) === undefined) {
      // A commit arrives whole or not at all, so that there is nothing to keep.
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
      await git('init', '--quiet', '--template=', '--initial-branch=fetched')
      await git('config', 'remote.origin.url', url)
      if (folders) {
        await git('config', 'remote.origin.promisor', 'true')
        await git('config', 'remote.origin.partialclonefilter', 'blob:none')
      }
      const shallow = ['--no-tags', '--depth=1', ...(folders ? ['--filter=blob:none'] : [])]
      await git('fetch', '--quiet', ...shallow, 'origin', `+${revision}:${ref}`)
    }
    await removeLocks(folder)
    if (folders) await git('sparse-checkout', 'set', '--cone', ...folders)
    await git('checkout', '--quiet', '--force', '--detach', ref)
  })
}

/**
 * Lays out the pinned files of a checkout as the archive has them, as hard links: the repositories hold more than the
 * release, such as tests' data and git's own files.
 */
export async function layOutUpstream(
  context: BuildContext,
  pin: UpstreamPin,
  checkout: string,
  target: string,
): Promise<void> {
  const { project } = context
  const places = Object.keys(pin.repositories)
  const missing: string[] = []
  const made = new Set<string>()
  for (const path of await loadUpstreamFiles(project, pin)) {
    const inRepository = places.some((place) => path.startsWith(`${place}/`))
    const from = inRepository ? join(checkout, path) : join(checkout, chromiumPath, path)
    const status = await lstat(from).catch(() => undefined)
    if (!status || status.isDirectory()) {
      missing.push(path)
      continue
    }
    await makeFolder(dirname(join(target, path)), made)
    await link(from, join(target, path))
  }
  if (missing.length > 0) throw lacking(missing, checkout)
  for (const [path, content] of Object.entries(pin.generated)) {
    await makeFolder(dirname(join(target, path)), made)
    await writeFile(join(target, path), content)
  }
}

async function makeFolder(folder: string, made: Set<string>): Promise<void> {
  if (made.has(folder)) return
  made.add(folder)
  await mkdir(folder, { recursive: true })
}

function lacking(missing: readonly string[], checkout: string): AdvisedError {
  const some = missing.slice(0, 10).map((path) => `  ${path}`)
  const rest = missing.length > some.length ? [`  … and ${missing.length - some.length} more`] : []
  return new AdvisedError(
    `The repositories in ${checkout} lack ${missing.length} files that the release has:\n${[...some, ...rest].join('\n')}`,
    'A mirror may hold other commits than the host it stands for. Take the sources from the archive instead: --source archive',
  )
}
