import { existsSync } from 'node:fs'
import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { generate, requireConfigured } from '../configure/configure.ts'
import { requireGn } from '../configure/gn.ts'
import type { BuildContext } from '../shared/context.ts'
import { requireFreeBytes } from '../shared/disk.ts'
import { isStamped, stamp } from '../shared/files.ts'
import { sha256OfJson } from '../shared/hash.ts'
import { defaultJobs, type NinjaRun, plan, runNinja } from '../shared/ninja.ts'
import { $ } from '../shared/shell.ts'
import { say, sayStage, shorten, warn } from '../shared/terminal.ts'
import { clangTools, emulatorTools, requireTools, tools } from '../shared/toolchain.ts'
import { findDamage, recordMade, removeDamage } from './made-files.ts'
import { hashSources, settleSourceTimes } from './source-times.ts'

/** What a build from nothing adds to the build directory. */
const bytesOfBuild = 3e9

/** Compiles the static library. Ninja finds out in about a second what there is to do. */
export async function compile(
  context: BuildContext,
  { jobs = defaultJobs() }: { jobs?: number | undefined },
): Promise<void> {
  const { pin, target, cache } = context
  const folder = cache.buildDirectory
  await requireTools('compile', [
    ...[tools.ninja, tools.python],
    ...clangTools(pin.toolchain.clang),
    ...emulatorTools(target),
  ])
  const library = join(folder, pin.build.library)
  if (!existsSync(library)) await requireFreeBytes(folder, bytesOfBuild, 'compiling V8')

  sayStage('compile', `${pin.build.target} for ${target.platform}, ${jobs} jobs`)
  const { ccWrapper, hash: configuration } = await requireConfigured(context)
  const key = await compileKey(context, configuration)
  await rm(compiledStamp(context), { force: true })
  const running = join(folder, 'v8-rawmem-running')
  await removeLostOutputs(folder, running)
  await writeFile(running, await bootId())
  await mend(context, false)
  if (!(await settleSourceTimes(cache.tree, folder))) {
    warn(
      `files in ${folder} are from the future, so their times tell nothing; compiling everything`,
    )
    await removeDamage(folder, { outputs: [], journals: true })
  }
  await generate(context, await requireGn(context))
  const run: NinjaRun = {
    title: 'compile',
    folder,
    targets: [pin.build.target],
    jobs,
    logFolder: cache.logs,
    ccWrapper,
  }
  // Check every file before something is made of it. If there is nothing to make, the stage package
  // checks the library.
  const planned = await plan(run)
  if (planned > 0) await mend(context, true)
  let changed: boolean
  try {
    changed = await runNinja({ ...run, planned })
  } catch (error) {
    await recordMade(folder, { whole: false }).catch(() => {})
    throw error
  }
  if (changed) await $`sync --file-system ${folder}`
  await recordMade(folder, { whole: true })
  // If the sources changed meanwhile, it is not known which were compiled.
  if ((await compileKey(context, configuration)) === key) await stamp(compiledStamp(context), key)
  await rm(running, { force: true })
  sayStage('compile', changed ? library : 'nothing to do')
}

/** Removes files that are not as ninja left them, so that they are made again. */
async function mend({ cache }: BuildContext, thorough: boolean): Promise<void> {
  const folder = cache.buildDirectory
  const damage = await findDamage(folder, { thorough })
  if (damage.journals) warn(`ninja's notes in ${folder} are damaged; compiling everything`)
  if (damage.outputs.length > 0) {
    say(`Not as they were left, so they are made again: ${shorten(damage.outputs, 5)}`)
  }
  await removeDamage(folder, damage)
}

/**
 * Ninja redoes what a kill interrupted. After a crash of the machine, files that were written may be
 * empty. They are removed, so that ninja makes them again.
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

/** The stamp of a finished compile: from what. The next compile removes it first. */
function compiledStamp({ cache }: BuildContext): string {
  return join(cache.buildDirectory, 'v8-rawmem-compiled.json')
}

/** Names the inputs of a compile: the sources, and the configuration by its hash. */
async function compileKey({ cache }: BuildContext, configuration: string): Promise<string> {
  return sha256OfJson([configuration, await hashSources(cache.tree)])
}

/** Fails unless the build directory is as a compile of today's sources and configuration left it. */
export async function requireCompiled(context: BuildContext): Promise<void> {
  const { buildDirectory: folder } = context.cache
  const advice = 'Run: npm run v8 -- compile, then package.'
  const { hash } = await requireConfigured(context)
  if (!(await isStamped(compiledStamp(context), await compileKey(context, hash)))) {
    throw new AdvisedError(
      `What lies compiled in ${folder} is not of the sources that are there now.`,
      advice,
    )
  }
  const damage = await findDamage(folder, { thorough: true })
  const damaged = damage.journals ? ["ninja's notes"] : damage.outputs
  if (damaged.length > 0) {
    throw new AdvisedError(
      `Files in ${folder} are not as they were compiled: ${shorten(damaged, 5)}.`,
      advice,
    )
  }
  await generate(context, await requireGn(context))
}
