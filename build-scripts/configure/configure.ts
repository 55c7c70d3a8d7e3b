import { existsSync } from 'node:fs'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { requireFetched } from '../fetch/fetch.ts'
import type { BuildContext } from '../shared/context.ts'
import { diskFull, saysDiskFull } from '../shared/disk.ts'
import { isStamped, stamp, writeFileDurably } from '../shared/files.ts'
import { sha256OfJson } from '../shared/hash.ts'
import { type CompilerWrapper, isCalled } from '../shared/ninja.ts'
import type { Target } from '../shared/pin.ts'
import { $ } from '../shared/shell.ts'
import { say, sayStage } from '../shared/terminal.ts'
import {
  type Clang,
  clangTools,
  emulatorTools,
  findEmulator,
  requireTools,
  tools,
} from '../shared/toolchain.ts'
import { provideGn, rootPatterns } from './gn.ts'

/** GN's arguments, in the build directory. */
const argsName = 'args.gn'

/** Writes GN's arguments and has GN write ninja's files. Ninja has GN write them anew when a BUILD.gn changes. */
export async function configure(
  context: BuildContext,
  { ccWrapper }: { ccWrapper?: CompilerWrapper },
): Promise<void> {
  const { pin, target, cache } = context
  requireFetched(context)
  await requireTools('configure', [
    tools.python,
    tools.ninja,
    ...clangTools(pin.toolchain.clang),
    ...emulatorTools(target),
    ...(ccWrapper ? [{ command: ccWrapper, debianPackage: ccWrapper }] : []),
  ])
  const clang = await context.clang()
  const gn = await provideGn(context, ccWrapper)
  const wanted = await wantedConfiguration(context, clang, ccWrapper)
  const configured = existsSync(join(cache.buildDirectory, 'build.ninja'))
  if (configured && (await isConfigured(cache.buildDirectory, wanted))) {
    sayStage('configure', 'nothing has changed')
    return
  }

  sayStage('configure', `${clang.version}${ccWrapper ? ` behind ${ccWrapper}` : ''}`)
  await mkdir(cache.buildDirectory, { recursive: true })
  const { makerStamp, configureStamp, args } = placesIn(cache.buildDirectory)
  if (configured && !(await isStamped(makerStamp, wanted.maker))) {
    say(
      'The compiler or its libraries have changed, or the cache has moved; removing what was made before ...',
    )
    await $({ cwd: cache.tree })`${gn} clean ${target.buildDirectory}`
  }
  await writeFileDurably(args, wanted.args)
  await generate(context, gn)
  await stamp(makerStamp, wanted.maker)
  await stamp(configureStamp, wanted.key)
}

/** Fails unless the build directory is configured as the lock file wants, for the compiler that is here. */
export async function requireConfigured(
  context: BuildContext,
): Promise<{ ccWrapper: CompilerWrapper; hash: string }> {
  const folder = context.cache.buildDirectory
  const advice = 'Run: npm run v8 -- configure'
  if (!existsSync(join(folder, 'build.ninja'))) {
    throw new AdvisedError(`Nothing is configured in ${folder}.`, advice)
  }
  const args = await readFile(placesIn(folder).args, 'utf8').catch(() => '')
  const ccWrapper = /^cc_wrapper = "(.*)"$/m.exec(args)?.[1]
  const clang = await context.clang()
  const wanted = await wantedConfiguration(context, clang, ccWrapper)
  if (await isConfigured(folder, wanted)) return { ccWrapper, hash: sha256OfJson({ ...wanted }) }
  throw new AdvisedError(
    `${folder} is not configured as v8.lock.json and the compiler here ask for, or ${argsName} in it was changed.`,
    advice,
  )
}

interface Configuration {
  /** The content of args.gn. */
  readonly args: string
  /** Names what GN is told. */
  readonly key: string
  /**
   * Names what is in none of the command lines that ninja compares: another compiler may have the same name, its libraries'
   * headers come with old times, and precompiled headers hold the absolute path of where they were made.
   */
  readonly maker: string
}

async function wantedConfiguration(
  { pin, target, cache }: BuildContext,
  clang: Clang,
  ccWrapper: CompilerWrapper,
): Promise<Configuration> {
  const emulator = await findEmulator(target, clang)
  const args = formatArgs({
    ...target.args,
    clang_base_path: clang.base,
    clang_version: String(pin.toolchain.clang),
    ...(emulator && { v8_snapshot_emulator: emulator.join(' ') }),
    ...(ccWrapper && { cc_wrapper: ccWrapper }),
    // Of the wrappers only ccache knows clang's precompiled headers; the others would pass such calls through.
    ...(ccWrapper && !isCalled(ccWrapper, 'ccache') && { v8_enable_precompiled_headers: false }),
  })
  return {
    args,
    key: sha256OfJson({ args, gn: pin.gn, rootPatterns: pin.build.rootPatterns }),
    maker: sha256OfJson({
      compiler: clang.version,
      libraries: clang.libraries,
      place: cache.buildDirectory,
    }),
  }
}

function placesIn(folder: string) {
  return {
    args: join(folder, argsName),
    makerStamp: join(folder, 'v8-rawmem-maker.json'),
    configureStamp: join(folder, 'v8-rawmem-configure.json'),
  }
}

async function isConfigured(folder: string, wanted: Configuration): Promise<boolean> {
  const { args, makerStamp, configureStamp } = placesIn(folder)
  return (
    (await readFile(args, 'utf8').catch(() => undefined)) === wanted.args &&
    (await isStamped(configureStamp, wanted.key)) &&
    (await isStamped(makerStamp, wanted.maker))
  )
}

/** Has GN write ninja's files. It touches only those that are not as they should be. */
export async function generate({ pin, target, cache }: BuildContext, gn: string): Promise<void> {
  const generated = await $({
    nothrow: true,
    cwd: cache.tree,
  })`${gn} gen ${target.buildDirectory} ${rootPatterns(pin)}`
  const said = generated.stdout.trim() || generated.stderr.trim()
  if (saysDiskFull(said)) throw diskFull(cache.buildDirectory, 'GN', said)
  if (generated.exitCode !== 0) {
    throw new AdvisedError(
      `GN cannot generate the build:\n${said || `it ends with ${generated.signal ?? `code ${generated.exitCode}`}`}`,
      'If a patch changes build files, mend it in the work tree; otherwise compare "args" in v8.lock.json with what this V8 knows.',
    )
  }
}

/** The content of args.gn. */
function formatArgs(args: Target['args']): string {
  return Object.entries(args)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join('')
}
