import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { defaultJobs } from '../compile/jobs.ts'
import type { BuildContext } from '../context.ts'
import { sha256OfFile, sha256OfJson } from '../hash.ts'
import { manifestName } from '../package/sdk-manifest.ts'
import { type AddonCompilation, addonEnvironment } from './addon-environment.ts'
import { type BuildInputs, recordBuild, removeLinked, removeUntrusted } from './build-folder.ts'
import { linkedFromElsewhere } from './link-inputs.ts'
import { provideNodeApiHeaders } from './node-headers.ts'
import { hashSources, makersIn } from './source-hash.ts'

export interface Compilation extends AddonCompilation {
  /** What the compiler says of itself. */
  readonly version: string
  /** The C++ and C libraries whose headers it finds. */
  readonly libraries: Readonly<Record<string, string>>
}

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
  const run = $({ cwd: place, env, signal, nothrow: true, quiet: true })
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
