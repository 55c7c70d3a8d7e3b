import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { requireFreeBytes } from '../shared/disk.ts'
import { renameDurably } from '../shared/files.ts'
import { commitEnvironment, gitIn, identity } from '../shared/git.ts'
import { $ } from '../shared/shell.ts'
import { say, sayStage } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { extract, NowhereToBeHad, obtain, requireNamedArchivesMatch } from './archives.ts'
import { fetchGn } from './gn-source.ts'
import { layOutUpstream, syncUpstream } from './repositories.ts'
import type { Sources } from './sources.ts'
import { makeStandalone } from './standalone-layout.ts'
import { loadUpstreamPin, partsOfTree, requireUpstreamPin } from './upstream-pin.ts'

/** The tag of the commit that holds the sources as they came. */
export const upstreamTag = 'upstream'
/** The branch that holds the patches. */
export const patchedBranch = 'rawmem'

/** Brings the pinned sources into the cache, by the way that suits: the V8 work tree as a git repository, and GN's. */
export async function fetch(context: BuildContext, sources: Sources): Promise<void> {
  const { pin, cache } = context
  const archives = [pin.source.archive, pin.gn.archive]
  await requireNamedArchivesMatch(sources.archives, archives)
  await mkdir(cache.root, { recursive: true })

  if (existsSync(cache.tree)) {
    await requirePinnedTree(context)
    sayStage('fetch', `V8 ${pin.v8.version} is there`)
    // GN's pin may have changed alone, and downloads may have been deleted.
    await fetchGn(context, sources)
  } else if ((await sources.kindFor(context, pin.source.archive)) === 'depot_tools') {
    await fetchFromRepositories(context, sources)
  } else {
    await fetchFromArchive(context, sources).catch(async (error) => {
      if (!(error instanceof NowhereToBeHad)) throw error
      const git = await sources.mayAskGit(context)
      if (!git.allowed) throw new NowhereToBeHad(error.file, [...error.answers, ...git.answers])
      await fetchFromRepositories(context, sources)
    })
  }
}

async function fetchFromArchive(context: BuildContext, sources: Sources): Promise<void> {
  const { pin } = context
  sayStage('fetch', `V8 ${pin.v8.version} from ${pin.source.archive.file}`)
  await requireTools('fetch', [tools.tar, tools.xz, tools.git])
  const archive = await obtain(context, pin.source.archive, sources)
  // GN's source too: the next stages may run without a network.
  await fetchGn(context, sources)
  await makeTree(context, pin.source.tree, async (unpacking) => {
    const members = pin.source.folders.map((folder) => `${pin.source.topFolder}/${folder}`)
    await extract(archive, unpacking, members)
  })
}

async function fetchFromRepositories(context: BuildContext, sources: Sources): Promise<void> {
  const { pin, cache } = context
  const upstream = await requireUpstreamPin(context)
  sayStage('fetch', `V8 ${pin.v8.version} with depot_tools`)
  await syncUpstream(context, upstream, cache.checkout, sources.mirrors)
  await fetchGn(context, sources)
  await makeTree(context, upstream.tree, async (unpacking) => {
    say('Laying out the files of the release ...')
    await layOutUpstream(context, upstream, cache.checkout, unpacking)
  })
  await rm(cache.checkout, { recursive: true, force: true })
}

/** Makes the work tree of what `fill` puts into a folder, in Chromium's layout. */
async function makeTree(
  context: BuildContext,
  expected: string,
  fill: (unpacking: string) => Promise<void>,
): Promise<void> {
  const { pin, cache } = context
  // The tree is made beside its place and moved there when it is whole.
  const unpacking = join(dirname(cache.tree), 'unpacking')
  await rm(unpacking, { recursive: true, force: true })
  // The repository takes about a quarter of the size of the files.
  await requireFreeBytes(unpacking, pin.source.unpackedSize * 1.25, 'unpacking V8')
  await fill(unpacking)
  await recordTree(context, unpacking, (tree) => requireTree(tree, context, [expected]))
}

/**
 * Makes the work tree of what has been unpacked.
 *
 * @param unpacking the sources in Chromium's layout; the folder goes
 * @param check looks at the repository before it gets its place
 */
export async function recordTree(
  context: BuildContext,
  unpacking: string,
  check: (tree: string) => Promise<void>,
): Promise<void> {
  const { pin, cache } = context
  const tree = await makeStandalone(unpacking, pin.source.folders)
  await commitUpstream(context, tree)
  await check(tree)
  await $`sync --file-system ${unpacking}`
  await mkdir(dirname(cache.tree), { recursive: true })
  await renameDurably(tree, cache.tree)
  await rm(unpacking, { recursive: true, force: true })
}

/** Puts the sources into a repository of their own, with the same hashes on every machine. */
async function commitUpstream(context: BuildContext, tree: string): Promise<void> {
  const { pin } = context
  say('Recording the sources in git ...')
  const $git = gitIn(tree, commitEnvironment(identity, pin.v8.date))
  await $git`git init --quiet --template= --initial-branch=${patchedBranch}`
  await $git`mkdir -p .git/info && echo /out/ > .git/info/exclude`
  // No packing in the background while the folder is about to be renamed.
  await $git`git config gc.auto 0`
  await $git`git config maintenance.auto false`
  // Objects need not be synced one by one: the whole file system is, before the tree gets its name.
  await $git`git config core.fsync none`
  // --force: V8's ignore list hides build/ and third_party/, which gclient would have brought.
  await $git`git add --force --all`
  await $git`git config --unset core.fsync`
  const message = `V8 ${pin.v8.version} as it is in Chromium ${pin.chromium.version}`
  await $git`git commit --quiet --message=${message}`
  await $git`git tag ${upstreamTag}`
}

async function requirePinnedTree(context: BuildContext): Promise<void> {
  const upstream = await loadUpstreamPin(context)
  // Either source may have made it.
  const expected = [context.pin.source.tree, ...(upstream ? [upstream.tree] : [])]
  try {
    await requireTree(context.cache.tree, context, expected)
  } catch (cause) {
    if (cause instanceof AdvisedError) throw cause
    throw new AdvisedError(
      `${context.cache.tree} is not a work tree this script made.`,
      'Move that folder away and run the command again.',
      { cause },
    )
  }
}

async function requireTree(
  tree: string,
  context: BuildContext,
  expected: readonly string[],
): Promise<void> {
  const $git = gitIn(tree)
  const found = (await $git`git rev-parse --verify ${`${upstreamTag}^{tree}`}`).stdout.trim()
  if (expected.includes(found)) return
  const parts = await differingParts(context, tree)
  throw new AdvisedError(
    `The sources in ${tree} are not those v8.lock.json pins:\n  expected git tree ${expected.join(' or ')}\n  got      git tree ${found}${parts}`,
    'If the pin has just changed, move that folder away and run the command again.\nWhen updating the pin itself, write the new hash into "tree" once you have checked the sources.',
  )
}

/** Which folders are not what they should be; both sources share all of them. */
async function differingParts(context: BuildContext, tree: string): Promise<string> {
  const upstream = await loadUpstreamPin(context)
  if (!upstream) return ''
  const found = await partsOfTree(tree, upstreamTag)
  const differing = Object.keys(upstream.trees).filter(
    (path) => found[path] !== upstream.trees[path],
  )
  if (differing.length === 0) return ''
  const lines = differing.map(
    (path) => `\n  ${path}: expected ${upstream.trees[path]}, got ${found[path] ?? 'nothing'}`,
  )
  return `\nThey differ in:${lines.slice(0, 20).join('')}`
}

/** Fails a stage that works on the sources when they are not there. */
export function requireFetched({ cache }: BuildContext): void {
  if (existsSync(join(cache.tree, '.git'))) return
  throw new AdvisedError(`There is no V8 work tree in ${cache.tree}.`, 'Run: npm run v8 -- fetch')
}
