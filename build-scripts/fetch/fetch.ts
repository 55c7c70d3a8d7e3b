import { lstat, mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import type { BuildContext } from '../context.ts'
import { requireFreeBytes } from '../disk.ts'
import { renameDurably } from '../durable-files.ts'
import { commitEnvironment, gitIn, identity } from '../git.ts'
import { say, sayStage } from '../terminal.ts'
import { requireTools, tools } from '../tools.ts'
import { extract } from './extract.ts'
import { obtain, requireNamedArchivesMatch } from './obtain.ts'
import { makeStandalone } from './standalone-layout.ts'

/** The tag of the commit that holds the sources as they came. */
export const upstreamTag = 'upstream'
/** The branch that holds the patches. */
export const patchedBranch = 'rawmem'

/** Brings the pinned sources into the cache: the archives, and the V8 work tree as a git repository. */
export async function fetch(context: BuildContext, named: readonly string[]): Promise<void> {
  const { pin, cache, signal } = context
  const archives = [pin.source.archive, pin.gn.archive]
  await requireNamedArchivesMatch(named, archives)
  await mkdir(cache.root, { recursive: true })

  if (await exists(cache.tree)) {
    await requirePinnedTree(context)
    sayStage('fetch', `V8 ${pin.v8.version} is there`)
  } else {
    await fetchTree(context, named)
  }
  signal.throwIfAborted()
}

async function fetchTree(context: BuildContext, named: readonly string[]): Promise<void> {
  const { pin, cache, signal } = context
  sayStage('fetch', `V8 ${pin.v8.version} from ${pin.source.archive.file}`)
  await requireTools('fetch', [tools.tar, tools.xz, tools.git])
  const archive = await obtain(context, pin.source.archive, named)
  // GN's source now as well: whoever fetches may be about to leave the network.
  await obtain(context, pin.gn.archive, named)

  // The tree is made beside its place and moved there when it is whole.
  const unpacking = join(dirname(cache.tree), 'unpacking')
  await rm(unpacking, { recursive: true, force: true })
  // The repository takes about a quarter of the size of the files.
  await requireFreeBytes(unpacking, pin.source.unpackedSize * 1.25, 'unpacking V8')
  const members = pin.source.folders.map((folder) => `${pin.source.topFolder}/${folder}`)
  await extract(archive, unpacking, members, signal)
  const tree = await makeStandalone(unpacking, pin.source.folders)
  await commitUpstream(context, tree)
  await $({ quiet: true })`sync --file-system ${unpacking}`
  await renameDurably(tree, cache.tree)
  await rm(unpacking, { recursive: true, force: true })
}

/** Puts the sources into a repository of their own, with the same hashes on every machine. */
async function commitUpstream(context: BuildContext, tree: string): Promise<void> {
  const { pin, signal } = context
  say('Recording the sources in git ...')
  const $git = gitIn(tree, signal, commitEnvironment(identity, pin.v8.date))
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
  await requireTree(tree, context)
}

async function requirePinnedTree(context: BuildContext): Promise<void> {
  try {
    await requireTree(context.cache.tree, context)
  } catch (cause) {
    context.signal.throwIfAborted()
    if (cause instanceof BuildError) throw cause
    throw new BuildError(
      `${context.cache.tree} is not a work tree this script made.`,
      'Move that folder away and run the command again.',
      { cause },
    )
  }
}

async function requireTree(tree: string, { pin, signal }: BuildContext): Promise<void> {
  const $git = gitIn(tree, signal)
  const found = (await $git`git rev-parse --verify ${`${upstreamTag}^{tree}`}`).stdout.trim()
  if (found === pin.source.tree) return
  throw new BuildError(
    `The sources in ${tree} are not those v8.lock.json pins:\n  expected git tree ${pin.source.tree}\n  got      git tree ${found}`,
    'If the pin has just changed, move that folder away and run the command again.\nWhen updating the pin itself, write the new hash into "tree" once you have checked the sources.',
  )
}

async function exists(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined)) !== undefined
}
