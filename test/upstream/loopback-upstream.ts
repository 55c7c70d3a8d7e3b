import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { $ } from 'zx'
import { extract, obtain } from '../../build-scripts/fetch/archives.ts'
import { hashTree, isInArchiveOnly } from '../../build-scripts/fetch/pin-upstream.ts'
import { Sources } from '../../build-scripts/fetch/sources.ts'
import { makeStandalone } from '../../build-scripts/fetch/standalone-layout.ts'
import {
  loadUpstreamFiles,
  requireUpstreamPin,
  type UpstreamPin,
  upstreamFilesName,
  upstreamFolder,
  upstreamPinName,
} from '../../build-scripts/fetch/upstream-pin.ts'
import type { openContext } from '../../build-scripts/shared/context.ts'
import { isStamped, stamp } from '../../build-scripts/shared/files.ts'
import { commitEnvironment, gitEnvironment, identity } from '../../build-scripts/shared/git.ts'
import { sha256OfFile, sha256OfJson } from '../../build-scripts/shared/hash.ts'
import { say } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'

type Context = Awaited<ReturnType<typeof openContext>>

/** Bare repositories with the files of the archive, and a project whose pin names their commits. */
export interface LoopbackUpstream {
  /** The folder to serve: each repository has the path of its real address. */
  readonly repositories: string
  readonly project: string
}

// Raised when what is made here changes.
const format = 3

/** Files of the kind that the real repositories have beside those of the release, and that must not come through. */
const besides = {
  '.gitignore': '*.pyc\n/third_party\n/build\n/out\n',
  '.gitattributes': '* text=auto\n',
  'test/mjsunit/stand-in.js': "// Data of tests, which the release's archive leaves out.\n",
}

/** Makes the repositories in `folder` from the archive, unless they are there. */
export async function makeLoopbackUpstream(
  context: Context,
  folder: string,
): Promise<LoopbackUpstream> {
  const { project, pin } = context
  const upstream = await requireUpstreamPin(context)
  const files = await loadUpstreamFiles(project, upstream)
  const key = sha256OfJson({
    format,
    archive: pin.source.archive.sha256,
    upstream: await sha256OfFile(join(project, upstreamFolder, upstreamPinName)),
  })
  const made = { repositories: join(folder, 'repositories'), project: join(folder, 'project') }
  const stampPath = join(folder, 'stamp.json')
  if (!(await isStamped(stampPath, key))) {
    await rm(folder, { recursive: true, force: true })
    const work = join(folder, 'work')
    const chromium = join(work, 'chromium')
    const archive = await obtain(context, pin.source.archive, new Sources({}))
    const members = pin.source.folders.map((member) => `${pin.source.topFolder}/${member}`)
    await extract(archive, chromium, members)
    const gn = join(work, 'gn')
    await extract(await obtain(context, pin.gn.archive, new Sources({})), gn, [])
    const local = await makeRepositories(context, upstream, files, chromium, gn, made.repositories)
    await requireBothWaysAlike(context, upstream, chromium)
    await writeProject(project, made.project, local)
    await rm(work, { recursive: true })
    await stamp(stampPath, key)
  }
  // Patches may have changed since.
  await rm(join(made.project, 'patches'), { recursive: true, force: true })
  await cp(join(project, 'patches'), join(made.project, 'patches'), { recursive: true })
  return made
}

async function makeRepositories(
  context: Context,
  upstream: UpstreamPin,
  files: readonly string[],
  chromium: string,
  gn: string,
  repositories: string,
): Promise<UpstreamPin> {
  const { pin } = context
  const local = structuredClone(upstream)
  const places = Object.keys(upstream.repositories)
  for (const place of places) {
    say(`Making the repository of ${place} ...`)
    const { url } = upstream.repositories[place]!
    const own = files.filter((path) => path.startsWith(`${place}/`))
    local.repositories[place]!.revision = await makeRepository(context, {
      repository: pathOf(url, repositories),
      workTree: join(chromium, place),
      paths: own.map((path) => path.slice(place.length + 1)),
      besides,
    })
  }
  say("Making Chromium's repository ...")
  await makeRepository(context, {
    repository: pathOf(upstream.chromium.url, repositories),
    workTree: chromium,
    paths: files.filter((path) => !places.some((place) => path.startsWith(`${place}/`))),
    besides: { ...besides, 'chrome/browser/stand-in.cc': '// The rest of Chromium.\n' },
    // Chromium has its dependencies as submodules, in the midst of its own folders.
    submodules: places,
    tag: upstream.chromium.revision,
  })
  say("Making GN's repository ...")
  local.gn.revision = await makeRepository(context, {
    repository: pathOf(upstream.gn.url, repositories),
    workTree: gn,
  })
  const { stdout } = await git(
    context,
    pathOf(upstream.gn.url, repositories),
  )`git rev-parse ${`${local.gn.revision}^{tree}`}`
  if (stdout.trim() !== upstream.gn.tree) {
    throw new AdvisedError(
      `GN's archive has the tree ${stdout.trim()}.`,
      `upstream/pin.json says ${upstream.gn.tree}.`,
    )
  }
  say(`All repositories of V8 ${pin.v8.version} are there`)
  return local
}

function git({ pin }: Context, cwd: string) {
  const env = gitEnvironment(commitEnvironment(identity, pin.v8.date))
  return $({ cwd, env, quiet: true })
}

/** The place under the server's root at which `--mirror` makes git look for `url`. */
function pathOf(url: string, repositories: string): string {
  return join(repositories, new URL(url).pathname)
}

/**
 * One bare repository with one commit; always the same commit for the same files.
 *
 * @returns the commit's hash
 */
async function makeRepository(
  context: Context,
  {
    repository,
    workTree,
    paths,
    besides = {},
    submodules = [],
    tag,
  }: {
    repository: string
    workTree: string
    /** Relative to the work tree; all when left out. */
    paths?: readonly string[]
    besides?: Readonly<Record<string, string>>
    submodules?: readonly string[]
    tag?: string
  },
): Promise<string> {
  await mkdir(repository, { recursive: true })
  const $git = git(context, repository)
  await $git`git init --quiet --bare --template= --initial-branch=main`
  await $git`git config core.compression 1`
  // Objects go into one pack as they come: nobody has time for forty thousand loose files.
  await $git`git config core.bigFileThreshold 1`
  await $git`git config uploadpack.allowFilter true`
  await $git`git config uploadpack.allowAnySHA1InWant true`
  await $git`git config http.receivepack false`
  const add = ['--git-dir', repository, '--work-tree', workTree, 'add', '--force']
  if (paths) {
    const list = `${paths.map((path) => `:(literal)${path}`).join('\0')}\0`
    await $git({
      cwd: workTree,
      input: list,
    })`git ${add} --pathspec-from-file=- --pathspec-file-nul`
  } else {
    await $git({ cwd: workTree })`git ${add} --all`
  }
  for (const [path, content] of Object.entries(besides)) {
    const blob = (await $git({ input: content })`git hash-object -w --stdin`).stdout.trim()
    await $git`git update-index --add --cacheinfo ${`100644,${blob},${path}`}`
  }
  for (const path of submodules) {
    await $git`git update-index --add --cacheinfo ${`160000,${'1'.repeat(40)},${path}`}`
  }
  const tree = (await $git`git write-tree`).stdout.trim()
  const commit = (
    await $git`git commit-tree -m ${'The files of the release'} ${tree}`
  ).stdout.trim()
  await $git`git update-ref refs/heads/main ${commit}`
  if (tag) await $git`git update-ref ${tag} ${commit}`
  await rm(join(repository, 'index'))
  return commit
}

/** The archive gives the tree that the lock pins; without what no repository has, it is the tree of the repositories. */
async function requireBothWaysAlike(
  context: Context,
  upstream: UpstreamPin,
  chromium: string,
): Promise<void> {
  const { pin } = context
  say('Comparing the trees of both sources ...')
  const tree = await makeStandalone(chromium, pin.source.folders)
  const whole = await hashTree(tree)
  const $git = git(context, tree)
  const listed = (await $git`git ls-files -z`).stdout.split('\0')
  // Both sources have this one, made from V8's DEPS.
  const extra = listed.filter(
    (path) => isInArchiveOnly(path) && path !== 'build/config/gclient_args.gni',
  )
  await $git({ input: extra.join('\0') })`git update-index -z --force-remove --stdin`
  const shared = (await $git`git write-tree`).stdout.trim()
  if (whole === pin.source.tree && shared === upstream.tree) return
  throw new AdvisedError(
    `The two sources would not give the same:\n  archive: ${whole}, pinned ${pin.source.tree}\n  without ${extra.length} files that only it has: ${shared}, pinned ${upstream.tree}`,
    'Make upstream/ anew: npm run v8 -- pin-upstream',
  )
}

/** A project like this one, whose pin names the commits of the local repositories instead of the real ones. */
async function writeProject(original: string, project: string, local: UpstreamPin): Promise<void> {
  const half = `${project}.new`
  await rm(project, { recursive: true, force: true })
  await mkdir(join(half, upstreamFolder), { recursive: true })
  await cp(join(original, 'v8.lock.json'), join(half, 'v8.lock.json'))
  await cp(
    join(original, upstreamFolder, upstreamFilesName),
    join(half, upstreamFolder, upstreamFilesName),
  )
  await writeFile(
    join(half, upstreamFolder, upstreamPinName),
    `${JSON.stringify(local, null, 2)}\n`,
  )
  await rename(half, project)
}
