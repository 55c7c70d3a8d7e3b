import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { BuildContext } from '../shared/context.ts'
import { defaultJobs } from '../shared/ninja.ts'
import { $ } from '../shared/shell.ts'
import { addonEnvironment, type Compilation, provideNodeApiHeaders } from './addon-flags.ts'
import { isForOlderGlibc, provideOlderGlibc } from './older-glibc.ts'

/** The makefiles that node-gyp writes take a space for the end of a path. */
export function requirePathsForNodeGyp(paths: readonly string[]): void {
  const path = paths.find((path) => /\s/.test(path))
  if (path === undefined) return
  throw new AdvisedError(
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
  { cache, project, target }: BuildContext,
  compilation: Compilation,
): Promise<BuiltAddon> {
  const { folder, sdk } = compilation
  const nodeDirectory = await provideNodeApiHeaders(cache.nodeHeaders)
  requirePathsForNodeGyp([project, nodeDirectory, ...(sdk ? [sdk] : [])])
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const place = join(project, folder)
  const build = join(place, 'build')
  const linkInputs = join(build, 'link-inputs.d')
  // Make looks at times only: it would link a damaged object, or one of another compiler, SDK or package. What is in the folder
  // goes, and not the folder itself, where a file system may be mounted.
  for (const name of await readdir(build).catch(() => [])) {
    await rm(join(build, name), { recursive: true, force: true })
  }
  const glibc = isForOlderGlibc(compilation)
    ? await provideOlderGlibc(compilation, join(build, 'glibc'))
    : []
  const env = addonEnvironment(project, compilation, linkInputs, glibc)
  const run = $({ cwd: place, env, nothrow: true })
  const built =
    await run`${process.execPath} ${nodeGyp} configure build --release --arch=${target.cpu} --jobs=${defaultJobs()} --nodedir=${nodeDirectory} --loglevel=warn`
  if (built.exitCode !== 0) {
    const logPath = join(cache.logs, 'binding.log')
    await mkdir(cache.logs, { recursive: true })
    await writeFile(logPath, built.stdall)
    throw new AdvisedError(
      `node-gyp could not build ${folder}:\n${built.stdall.trimEnd().split('\n').slice(-60).join('\n')}`,
      `The whole output is in ${logPath}. Mend the cause and run npm run build:binding again.`,
    )
  }
  const [addon] = (await readdir(join(build, 'Release'))).filter((name) => name.endsWith('.node'))
  const own = [project, ...(sdk ? [sdk] : [])]
  return {
    path: join(build, 'Release', addon!),
    linked: await linkedFromElsewhere(linkInputs, own),
  }
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
