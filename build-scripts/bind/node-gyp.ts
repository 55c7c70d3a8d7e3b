import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { defaultJobs } from '../compile/jobs.ts'
import type { BuildContext } from '../context.ts'
import { sha256OfJson } from '../hash.ts'
import { type BuildInputs, recordBuild, removeUntrusted } from './build-folder.ts'
import { linkedFromElsewhere, listInputsTo } from './link-inputs.ts'
import { provideNodeApiHeaders } from './node-headers.ts'
import { hashSources, packageVersions } from './source-hash.ts'

export interface Compilation {
  /** The folder of binding.gyp, in the project. */
  readonly folder: string
  readonly cc: string
  readonly cxx: string
  /** What the compiler says of itself. */
  readonly version: string
  readonly linker?: 'lld'
  /** An unpacked SDK, for the addon with V8 inside. */
  readonly sdk?: string
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
  { folder, cc, cxx, version, linker, sdk }: Compilation,
): Promise<BuiltAddon> {
  const nodeDirectory = await provideNodeApiHeaders(cache.nodeHeaders)
  requirePathsForNodeGyp([project, nodeDirectory, ...(sdk ? [sdk] : [])])
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const place = join(project, folder)
  const release = join(place, 'build', 'Release')
  const build = join(place, 'build')
  const linkInputs = join(build, 'link-inputs.d')
  const inputs: BuildInputs = {
    makers: sha256OfJson({ cxx: version, linker, packages: await packageVersions(project) }),
    sources: await hashSources(project),
  }
  await removeUntrusted(build, project, inputs)
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    CC: cc,
    CXX: cxx,
    AR: 'ar',
    // The checkout's place must not get into the addon.
    CXXFLAGS: [project, sdk]
      .filter((path) => path !== undefined)
      .map((path) => `-ffile-prefix-map=${path}=${path === sdk ? 'sdk' : '.'}`)
      .join(' '),
    LDFLAGS: [...(linker ? [`-fuse-ld=${linker}`] : []), listInputsTo(linkInputs)].join(' '),
    // The user's npm configuration may name the headers of a Node release.
    npm_config_nodedir: nodeDirectory,
    V8_RAWMEM_SDK: sdk ?? '',
  }
  const run = $({ cwd: place, env: environment, signal, nothrow: true, quiet: true })
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
