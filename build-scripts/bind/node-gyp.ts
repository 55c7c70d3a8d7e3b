import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { z } from 'zod'
import { manifestName } from '../package/sdk-manifest.ts'
import { BuildError } from '../shared/build-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { readJsonIfValid, writeFileDurably } from '../shared/files.ts'
import { sha256OfFile, sha256OfJson } from '../shared/hash.ts'
import {
  describeMade,
  findChanged,
  listMade,
  madeFilesSchema,
  newestTime,
  recordName,
} from '../shared/made-files.ts'
import { defaultJobs } from '../shared/ninja.ts'
import { $ } from '../shared/shell.ts'
import { addonEnvironment, type Compilation, provideNodeApiHeaders } from './addon-flags.ts'
import { hashSources, makersIn } from './source-hash.ts'

/** The makefiles that node-gyp writes take a space for the end of a path. */
export function requirePathsForNodeGyp(paths: readonly string[]): void {
  const path = paths.find((path) => /\s/.test(path))
  if (path === undefined) return
  throw new BuildError(
    `node-gyp cannot build where a path has a space in it: ${path}`,
    'Use a checkout and a cache (--cache, XDG_CACHE_HOME) without one. Only the binding needs that; V8 and the SDK do not.',
  )
}

/** An addon that was just linked. */
export interface BuiltAddon {
  readonly path: string
  /** The object files and static libraries of the system that are in it. */
  readonly linked: readonly string[]
}

/** Compiles and links an addon. */
export async function runNodeGyp(
  { cache, project, signal }: BuildContext,
  compilation: Compilation,
): Promise<BuiltAddon> {
  const { folder, version, libraries, linker, sdk } = compilation
  const nodeDirectory = await provideNodeApiHeaders(cache.nodeHeaders)
  requirePathsForNodeGyp([project, nodeDirectory, ...(sdk ? [sdk] : [])])
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const place = join(project, folder)
  const release = join(place, 'build', 'Release')
  const build = join(place, 'build')
  const linkInputs = join(build, 'link-inputs.d')
  const inputs: BuildInputs = {
    makers: sha256OfJson({
      compiler: version,
      libraries,
      linker,
      sdk: sdk && (await sha256OfFile(join(sdk, manifestName))),
      ...(await makersIn(project)),
    }),
    sources: await hashSources(project),
  }
  await removeUntrusted(build, project, inputs)
  await removeLinked(build)
  const env = addonEnvironment(project, compilation, linkInputs)
  const run = $({ cwd: place, env, signal, nothrow: true })
  const built =
    await run`${process.execPath} ${nodeGyp} configure build --release --jobs=${defaultJobs()} --nodedir=${nodeDirectory} --loglevel=warn`
  signal.throwIfAborted()
  await recordBuild(build, inputs)
  if (built.exitCode !== 0) {
    const logPath = join(cache.logs, 'binding.log')
    await mkdir(cache.logs, { recursive: true })
    await writeFile(logPath, built.stdall)
    throw new BuildError(
      `node-gyp could not build ${folder}:\n${built.stdall.trimEnd().split('\n').slice(-60).join('\n')}`,
      `The whole output is in ${logPath}. Mend the cause and run npm run build:binding again.`,
    )
  }
  const addons = (await readdir(release)).filter((name) => name.endsWith('.node'))
  if (addons.length !== 1) {
    throw new BuildError(
      `${folder}/build/Release should have one addon, but has: ${addons.join(', ') || 'none'}.`,
      `Remove ${folder}/build and run npm run build:binding again.`,
    )
  }
  const own = [project, ...(sdk ? [sdk] : [])]
  return { path: join(release, addons[0]!), linked: await linkedFromElsewhere(linkInputs, own) }
}

const recordSchema = z.object({
  makers: z.string(),
  sources: z.record(z.string(), z.string()),
  files: madeFilesSchema,
})

/** What a build is made from. */
interface BuildInputs {
  /** Names what make does not look at: compilers, and what has headers with times of their own, packages and the SDK. */
  readonly makers: string
  /** The hash of each source, by path in the project. */
  readonly sources: Readonly<Record<string, string>>
}

/**
 * Empties a build folder whose files make would be wrong about, for it goes by times alone: when something in it is damaged
 * or half made, when a source has changed without being newer, when another compiler or package made it.
 */
export async function removeUntrusted(
  build: string,
  project: string,
  inputs: BuildInputs,
): Promise<void> {
  if (!(await isTrusted(build, project, inputs))) {
    // Not the folder itself, which may be where a file system is mounted.
    for (const name of await readdir(build).catch(() => [])) {
      await rm(join(build, name), { recursive: true, force: true })
    }
  }
  // Whoever is killed from here on leaves no record, and so a folder that is not trusted.
  await rm(join(build, recordName), { force: true })
}

async function isTrusted(build: string, project: string, inputs: BuildInputs): Promise<boolean> {
  const record = await readJsonIfValid(join(build, recordName), recordSchema)
  if (record?.makers !== inputs.makers) return false
  if ((await findChanged(build, record.files, { thorough: true })).length > 0) return false
  const newest = await newestTime(build)
  for (const [path, sha256] of Object.entries(inputs.sources)) {
    if (record.sources[path] === sha256) continue
    if ((await stat(join(project, path))).mtimeMs <= newest) return false
  }
  return newest <= Date.now()
}

/** Has the next make link anew: what the linker takes of the system, and its version script, are no prerequisites to make. */
async function removeLinked(build: string): Promise<void> {
  for (const path of await listMade(build)) {
    if (path.endsWith('.node')) await rm(join(build, path))
  }
}

/** Records what lies in the build folder when make has ended, well or not. */
export async function recordBuild(build: string, inputs: BuildInputs): Promise<void> {
  const files = await describeMade(build)
  await writeFileDurably(join(build, recordName), JSON.stringify({ ...inputs, files }))
}

/** The object files and static libraries that the linker read from outside of these folders, by such a list. */
export async function linkedFromElsewhere(
  path: string,
  folders: readonly string[],
): Promise<string[]> {
  return inputsIn(await readFile(path, 'utf8')).filter(
    (file) => /^\/.*\.[ao]$/.test(file) && !folders.some((folder) => file.startsWith(`${folder}/`)),
  )
}

/** The prerequisites of a makefile's first rule. */
export function inputsIn(makefile: string): string[] {
  const rule = makefile.replaceAll('\\\n', ' ').split('\n')[0]!
  const words = rule.match(/(?:\\.|[^\s\\])+/g) ?? []
  const names = words.slice(1).map((word) => word.replace(/\\(.)/g, '$1'))
  return [...new Set(names)].filter((name) => name !== ':')
}
