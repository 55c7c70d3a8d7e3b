import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { brotliCompressSync, constants } from 'node:zlib'
import type { BuildContext } from '../shared/context.ts'
import { listFiles, withTemporaryFolder } from '../shared/files.ts'
import { gitEnvironment, gitIn } from '../shared/git.ts'
import { sha256 } from '../shared/hash.ts'
import type { Pin } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { say, sayStage } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { extract, obtain } from './archives.ts'
import type { Sources } from './sources.ts'
import { makeStandalone } from './standalone-layout.ts'
import {
  depotToolsPath,
  partsOfTree,
  type UpstreamPin,
  upstreamFilesName,
  upstreamFolder,
  upstreamPinName,
} from './upstream-pin.ts'

/** Files that Chromium's release scripts generate from the state of git; the build reads them. */
const generated = ['build/util/LASTCHANGE', 'build/util/LASTCHANGE.committime']

const gclientArgumentsPath = 'build/config/gclient_args.gni'

/**
 * What else is in the archive and in no repository: made by gclient's hooks, fetched by depot_tools for itself, or made
 * by the layout in either case. The build reads none of it.
 */
const inArchiveOnly = [
  gclientArgumentsPath,
  'build/config/siso/.sisoenv',
  'build/config/siso/backend_config/backend.star',
  'testing/location_tags.json',
  `${depotToolsPath}/.versions/`,
  `${depotToolsPath}/external_bin/gsutil/`,
]

const chromiumUrl = 'https://chromium.googlesource.com/chromium/src.git'
const gnUrl = 'https://gn.googlesource.com/gn'

/** Whether a path of the archive is one that no repository has. */
export function isInArchiveOnly(path: string): boolean {
  return inArchiveOnly.some((one) => (one.endsWith('/') ? path.startsWith(one) : path === one))
}

/** What an archive says of where its files come from. */
export interface Release {
  readonly repositories: UpstreamPin['repositories']
  readonly leftOut: readonly string[]
  readonly generated: Readonly<Record<string, string>>
  /** All that repositories have, as paths in Chromium's tree. */
  readonly files: readonly string[]
}

/** Reads Chromium's DEPS, V8's, and the names of all files, where an archive is unpacked with the wanted folders. */
export async function readRelease(chromium: string, folders: readonly string[]): Promise<Release> {
  const depotTools = join(chromium, depotToolsPath)
  const dependencies = await readDependencies(depotTools, join(chromium, 'DEPS'))
  const v8Dependencies = await readDependencies(depotTools, join(chromium, 'v8', 'DEPS'))
  const contents: Record<string, string> = {}
  for (const path of generated) contents[path] = await readFile(join(chromium, path), 'utf8')
  const paths = await listFiles(chromium)
  return {
    repositories: wantedRepositories(dependencies, chromium, folders),
    leftOut: Object.keys(v8Dependencies),
    generated: contents,
    files: paths.filter(
      (path) => path !== 'DEPS' && !generated.includes(path) && !isInArchiveOnly(path),
    ),
  }
}

/**
 * Writes the files of `upstream/` into a folder.
 *
 * @param repository where the tree of the archive is known to git
 * @param tree that tree
 */
export async function writeUpstreamPin(
  folder: string,
  pin: Pin,
  release: Release,
  gn: UpstreamPin['gn'],
  { repository, tree }: { repository: string; tree: string },
): Promise<void> {
  const { repositories, leftOut, files } = release
  const shared = await treeOfRepositories(repository, tree)
  const list = `${files.join('\n')}\n`
  const result: UpstreamPin = {
    schema: 1,
    v8: pin.v8.version,
    chromium: {
      url: chromiumUrl,
      revision: `refs/tags/${pin.chromium.version}`,
      folders: ownFolders(pin.source.folders, Object.keys(repositories), files),
    },
    repositories,
    leftOut: [...leftOut],
    gn,
    generated: release.generated,
    files: { count: files.length, sha256: sha256(list) },
    tree: shared,
    trees: await partsOfTree(repository, shared),
  }
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, upstreamFilesName), pack(list))
  await writeFile(join(folder, upstreamPinName), `${JSON.stringify(result, null, 2)}\n`)
}

/** The archive's tree without what only the archive has. */
async function treeOfRepositories(repository: string, tree: string): Promise<string> {
  return await withTemporaryFolder(async (scratch) => {
    const $index = gitIn(repository, { GIT_INDEX_FILE: join(scratch, 'index') })
    await $index`git read-tree ${tree}`
    const listed = await $index`git ls-files -z`
    // The layout writes the arguments of gclient itself.
    const surplus = listed.stdout
      .split('\0')
      .filter((path) => path !== gclientArgumentsPath && isInArchiveOnly(path))
    await writeFile(join(scratch, 'surplus'), surplus.map((path) => `${path}\0`).join(''))
    await $index`git update-index -z --force-remove --stdin < ${join(scratch, 'surplus')}`
    return (await $index`git write-tree`).stdout.trim()
  })
}

/** Writes `upstream/` anew from the pinned archives: revisions out of Chromium's DEPS, files and trees as they are. */
export async function pinUpstream(context: BuildContext, sources: Sources): Promise<void> {
  const { pin, cache, project } = context
  sayStage('pin-upstream', `reading ${pin.source.archive.file}`)
  await requireTools('pin-upstream', [tools.tar, tools.xz, tools.gzip, tools.git, tools.python])
  const archive = await obtain(context, pin.source.archive, sources)
  const gnArchive = await obtain(context, pin.gn.archive, sources)
  const work = join(dirname(cache.tree), 'pinning')
  await rm(work, { recursive: true, force: true })
  const chromium = join(work, 'chromium')
  const members = [...pin.source.folders, 'DEPS'].map((path) => `${pin.source.topFolder}/${path}`)
  await extract(archive, chromium, members)
  const gn = join(work, 'gn')
  await extract(gnArchive, gn, [])

  const release = await readRelease(chromium, pin.source.folders)
  say('Hashing the tree ...')
  const repository = await makeStandalone(chromium, pin.source.folders)
  const tree = await hashTree(repository)
  const gnPin = { url: gnUrl, revision: pin.gn.commit, tree: await hashTree(gn) }
  const folder = join(project, upstreamFolder)
  await writeUpstreamPin(folder, pin, release, gnPin, { repository, tree })
  await rm(work, { recursive: true })
  sayStage('pin-upstream', `wrote ${folder}`)
}

/** The repositories whose files the archive has in the wanted folders, as Chromium's DEPS names them. */
function wantedRepositories(
  dependencies: Record<string, string>,
  chromium: string,
  folders: readonly string[],
): UpstreamPin['repositories'] {
  const repositories: UpstreamPin['repositories'] = {}
  for (const [name, address] of Object.entries(dependencies).sort()) {
    const path = name.replace(/^src\//, '')
    const wanted = folders.some((folder) => `${path}/`.startsWith(`${folder}/`))
    if (!wanted || !existsSync(join(chromium, path))) continue
    const [url, revision] = address.split('@') as [string, string]
    repositories[path] = { url, revision }
  }
  return repositories
}

/** The wanted folders of which at least one file is in no other repository, and so in Chromium's own. */
function ownFolders(
  folders: readonly string[],
  repositories: readonly string[],
  files: readonly string[],
): [string, ...string[]] {
  const own = files.filter((path) => !repositories.some((place) => path.startsWith(`${place}/`)))
  return folders.filter((folder) => own.some((path) => path.startsWith(`${folder}/`))) as [
    string,
    ...string[],
  ]
}

/** The git tree of a folder's content; a repository for it is made in the folder. */
export async function hashTree(folder: string): Promise<string> {
  const $git = $({ cwd: folder, env: gitEnvironment() })
  await $git`git init --quiet --template=`
  await $git`git -c core.compression=0 add --force --all`
  return (await $git`git write-tree`).stdout.trim()
}

function pack(list: string): Buffer {
  return brotliCompressSync(list, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    },
  })
}

// gclient's own reader: DEPS is a program in a part of Python.
const reader = `
import json, sys
sys.path.insert(0, sys.argv[1])
import gclient_eval
with open(sys.argv[2]) as file:
  scope = gclient_eval.Parse(file.read(), sys.argv[2])
json.dump({name: dep['url'] for name, dep in scope['deps'].items() if dep['dep_type'] == 'git'}, sys.stdout)
`

/** The git dependencies that a DEPS file names, as `url@revision` by their names. */
async function readDependencies(depotTools: string, path: string): Promise<Record<string, string>> {
  const read = await $`python3 -B -c ${reader} ${depotTools} ${path}`
  return JSON.parse(read.stdout)
}
