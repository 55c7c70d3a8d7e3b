import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { glob } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { requireCompiled } from '../compile/compile.ts'
import { seriesHead } from '../patch/patch.ts'
import { WorkTree } from '../patch/work-tree.ts'
import { mergeComponents } from '../provenance/component.ts'
import { documentsOf } from '../provenance/documents.ts'
import { v8InputsOf } from '../provenance/statement.ts'
import type { BuildContext } from '../shared/context.ts'
import { diskFull, requireFreeBytes, saysDiskFull } from '../shared/disk.ts'
import {
  isStamped,
  listFiles,
  renameDurably,
  stamp,
  stampedResult,
  withTemporary,
} from '../shared/files.ts'
import { hashFiles, sha256, sha256OfFile, sha256OfJson } from '../shared/hash.ts'
import { hashPin } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { formatBytes, sayStage } from '../shared/terminal.ts'
import { requireTools, tools } from '../shared/toolchain.ts'
import { layOutSdk } from './sdk-files.ts'
import {
  damagedFiles,
  manifestName,
  type SdkManifest,
  sdkSchema,
  writeSdkDocuments,
} from './sdk-manifest.ts'

const buildScripts = fileURLToPath(new URL('..', import.meta.url))

/** What the library, its copy and the archive take. */
const bytesOfSdk = 5e8

/** Makes the SDK from what is compiled: unpacked in the cache for the binding, packed for others. */
export async function packageSdk(
  context: BuildContext,
  { output, allowModified = false }: { output?: string; allowModified?: boolean },
): Promise<void> {
  const { pin, target, cache, project } = context
  const { platform, variant } = target
  const name = ['v8-sdk', pin.v8.version, platform, variant].filter(Boolean).join('-')
  await requireTools('package', [tools.ar, tools.git, tools.ninja, tools.tar, tools.zstd])
  const library = join(cache.buildDirectory, pin.build.library)
  if (!existsSync(library)) {
    throw new AdvisedError(`There is no ${library}.`, 'Run: npm run v8 -- compile')
  }
  const modified = await isModified(context)
  if (modified && !allowModified) {
    throw new AdvisedError(
      `The work tree ${cache.tree} has changes that are in no patch, so this SDK could not be made again.`,
      `See them with: git -C ${cache.tree} diff upstream\nExport them first (npm run v8 -- patch --export), throw them away (npm run v8 -- patch --force, then compile), or go on with --allow-modified.`,
    )
  }
  await requireFreeBytes(cache.sdk, bytesOfSdk, 'the SDK')

  const archive = join(output ? resolve(output) : cache.sdk, `${name}.tar.zst`)
  const inputs = await hashInputs(context, library)
  const stampPath = join(cache.sdk, `packed-${sha256(archive).slice(0, 12)}.json`)
  const current = join(cache.sdk, 'current')
  const { bill, statement } = documentsOf(archive)
  const results = [archive, bill, statement, join(current, manifestName)]
  if (
    !modified &&
    (await isStamped(stampPath, inputs)) &&
    (await stampedResult(stampPath)) === (await hashResults(results)) &&
    (await damagedFiles(current)).length === 0
  ) {
    sayStage('package', `${archive} is up to date`)
    return
  }

  sayStage('package', `V8 ${pin.v8.version} for ${platform}`)
  await requireCompiled(context)
  await rm(stampPath, { force: true })
  await withTemporary(stagingFolder(cache.sdk), async () => {
    const made = await stageFiles(context, modified)
    const key = sha256OfJson(made.manifest as never).slice(0, 16)
    const folder = join(cache.sdk, key)
    await $`sync --file-system ${made.folder}`
    await rm(folder, { recursive: true, force: true })
    await renameDurably(made.folder, folder)
    await $`ln --symbolic --force --no-dereference ${key} ${current}`
    await mkdir(dirname(archive), { recursive: true })
    await pack(folder, archive, name, pin.v8.date)
    await writeSdkDocuments(archive, made.manifest, await v8InputsOf(project))
    await removeOthers(cache.sdk, key)
    // What has edits in it is nothing to come back to.
    if (!modified) await stamp(stampPath, inputs, await hashResults(results))
    sayStage('package', `${archive} (${formatBytes((await stat(archive)).size)})`)
  })
}

/** Names the contents of files, which may be missing. */
async function hashResults(paths: readonly string[]): Promise<string> {
  const hash = (path: string) => sha256OfFile(path).catch(() => null)
  return sha256OfJson(await Promise.all(paths.map(hash)))
}

function stagingFolder(sdk: string): string {
  return join(sdk, 'making')
}

/** Names what an SDK is made from, without making it. */
async function hashInputs(context: BuildContext, library: string) {
  const { pin, target, project, series } = context
  const clang = await context.clang()
  const own = await glob(['sdk/**', 'LICENSE*', 'package.json', 'upstream/pin.json'], {
    cwd: project,
  })
  // What these scripts put into it, and how.
  const scripts = await glob(['package/*', 'provenance/*'], { cwd: buildScripts })
  return sha256OfJson({
    schema: sdkSchema,
    platform: target.platform,
    library: await sha256OfFile(library),
    lock: hashPin(pin),
    series: series.hash,
    compiler: clang.version,
    libraries: clang.libraries,
    files: {
      ...(await hashFiles(project, own)),
      ...(await hashFiles(buildScripts, scripts)),
    },
  })
}

async function isModified(context: BuildContext): Promise<boolean> {
  const tree = new WorkTree(context.cache.tree)
  const state = await tree.beyond(await seriesHead(context))
  if (!state) {
    throw new AdvisedError(
      'The work tree is not on the patch series.',
      'Run: npm run v8 -- patch, then compile, then package',
    )
  }
  return state.extraCommits > 0 || state.editedFiles.length > 0
}

/** Lays the SDK's files out in a folder beside its place. */
async function stageFiles(
  context: BuildContext,
  modified: boolean,
): Promise<{ folder: string; manifest: SdkManifest }> {
  const folder = stagingFolder(context.cache.sdk)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  const components = await layOutSdk(context, folder)
  const { pin, target, series } = context
  const { version: compiler, libraries } = await context.clang()
  const manifest: SdkManifest = {
    schema: sdkSchema,
    v8: { version: pin.v8.version, chromium: pin.chromium.version },
    platform: target.platform,
    lock: hashPin(pin),
    patches: series.patches.map(({ name, sha256 }) => ({ name, sha256 })),
    modified,
    args: target.args,
    compiler,
    libraries,
    components: mergeComponents(components),
    files: await hashFiles(folder, await listFiles(folder)),
  }
  await writeFile(join(folder, manifestName), `${JSON.stringify(manifest, null, 2)}\n`)
  return { folder, manifest }
}

/** Removes earlier SDKs, at some hundred megabytes each, and what runs that were killed have left. */
async function removeOthers(sdk: string, key: string): Promise<void> {
  for (const name of await readdir(sdk)) {
    if (!/^[0-9a-f]{16}$|\.new-\d+$/.test(name) || name === key) continue
    await rm(join(sdk, name), { recursive: true })
  }
}

/**
 * Packs a folder into a .tar.zst that depends on nothing but names and contents: sorted, the same owner, modes and
 * time for all, and a fixed way to compress.
 *
 * @param topFolder what the folder is called in the archive
 * @param date the time of all files in it
 */
export async function pack(
  folder: string,
  archive: string,
  topFolder: string,
  date: string,
): Promise<void> {
  const temporary = `${archive}.new-${process.pid}`
  // zstd gives the same bytes for every number of workers from 1 on, but others without any.
  const packed = await $({
    nothrow: true,
    env: { ...process.env, LC_ALL: 'C' },
  })`tar --create --file=- --directory=${dirname(folder)} --format=gnu --sort=name --mtime=${date} --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --transform=${`s,^${basename(folder)},${topFolder},`} ${basename(folder)} | zstd --quiet --force -15 -T2 -o ${temporary}`
  if (packed.exitCode === 0) {
    await $`sync ${temporary}`
    return renameDurably(temporary, archive)
  }
  await rm(temporary, { force: true })
  if (saysDiskFull(packed.stderr)) throw diskFull(dirname(archive), `packing ${archive}`, packed)
  throw new AdvisedError(
    `Cannot pack ${archive}:\n${packed.stderr.trim()}`,
    'GNU tar and zstd are needed; "npm run v8 -- doctor" tells what is missing.',
    { cause: packed },
  )
}
