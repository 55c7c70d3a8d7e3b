import { existsSync } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { $, glob } from 'zx'
import { BuildError } from '../build-error.ts'
import type { CompilerWrapper } from '../configure.ts'
import type { BuildContext } from '../context.ts'
import { requireFreeBytes } from '../disk.ts'
import { sayStage } from '../terminal.ts'
import { clangTools, requireTools, tools } from '../tools.ts'
import { defaultJobs } from './jobs.ts'
import { runNinja } from './run-ninja.ts'

/** What a build from nothing adds to the build directory. */
const bytesOfBuild = 3e9

/** Compiles the static library. Ninja knows best what is to be done, and needs about a second to find out. */
export async function compile(
  context: BuildContext,
  { jobs = defaultJobs() }: { jobs?: number | undefined },
): Promise<void> {
  const { pin, cache, signal } = context
  const folder = cache.buildDirectory
  if (!existsSync(join(folder, 'build.ninja'))) {
    throw new BuildError(`Nothing is configured in ${folder}.`, 'Run: npm run v8 -- configure')
  }
  await requireTools('compile', [tools.ninja, tools.python, ...clangTools(pin.toolchain.clang)])
  const library = join(folder, pin.build.library)
  if (!existsSync(library)) await requireFreeBytes(folder, bytesOfBuild, 'compiling V8')

  sayStage('compile', `${pin.build.target}, ${jobs} jobs`)
  const ccWrapper = await configuredWrapper(folder)
  const running = join(folder, 'v8-rawmem-running')
  await removeLostOutputs(folder, running)
  await writeFile(running, await bootId())
  const changed = await runNinja({
    title: 'compile',
    folder,
    targets: [pin.build.target],
    jobs,
    logFolder: cache.logs,
    environment: wrapperEnvironment(ccWrapper),
    // sccache leaves a server behind, which would keep the lock for as long as it lives.
    lockFd: ccWrapper && basename(ccWrapper) === 'sccache' ? undefined : context.lockFd,
    signal,
  })
  if (changed) await $({ quiet: true })`sync --file-system ${folder}`
  await rm(running, { force: true })
  sayStage('compile', changed ? library : 'nothing to do')
}

/**
 * Ninja redoes what was cut off by a kill. When the machine itself went down, files it had seen written may have come
 * back empty: those are removed, so that ninja makes them again.
 */
async function removeLostOutputs(folder: string, running: string): Promise<void> {
  const boot = await readFile(running, 'utf8').catch(() => undefined)
  if (boot === undefined || boot === (await bootId())) return
  for (const path of await glob(['**/*.{o,a,so,inc,h,cc,gch,pch}'], { cwd: folder })) {
    const output = join(folder, path)
    if ((await stat(output)).size === 0) await rm(output)
  }
}

/** Changes with every start of the machine. */
async function bootId(): Promise<string> {
  return await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
}

/** The compiler wrapper that `configure` was told to use. */
async function configuredWrapper(folder: string): Promise<CompilerWrapper> {
  const args = await readFile(join(folder, 'args.gn'), 'utf8')
  return /^cc_wrapper = "(.*)"$/m.exec(args)?.[1]
}

/** What a wrapper must be told about precompiled headers, unless the user has told it otherwise. */
function wrapperEnvironment(ccWrapper: CompilerWrapper): Record<string, string> {
  if (!ccWrapper || basename(ccWrapper) !== 'ccache' || process.env.CCACHE_SLOPPINESS) return {}
  return { CCACHE_SLOPPINESS: 'pch_defines,time_macros,include_file_mtime,include_file_ctime' }
}
