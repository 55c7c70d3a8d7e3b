import { mkdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { $ } from 'zx'
import { BuildError } from './build-error.ts'
import { type Clang, findClang } from './clang.ts'
import { argsName } from './compile/args-name.ts'
import { forgetMade, recordGenerated } from './compile/made-files.ts'
import type { BuildContext } from './context.ts'
import { diskFull, saysDiskFull } from './disk.ts'
import { writeFileDurably } from './durable-files.ts'
import { requireFetched } from './fetch/fetched.ts'
import type { Sources } from './fetch/sources.ts'
import { provideGn } from './gn.ts'
import { sha256, sha256OfJson } from './hash.ts'
import type { Pin } from './pin.ts'
import { isStamped, stamp } from './stamp.ts'
import { say, sayStage } from './terminal.ts'
import { clangTools, requireTools, tools } from './tools.ts'

/** A program put in front of every compiler call: ccache, sccache, distcc, icecc. */
export type CompilerWrapper = string | undefined

/** Says from what the build was configured, and the hash of the arguments. */
export const configureStampName = 'v8-rawmem-configure.json'

/** Writes GN's arguments and has GN write ninja's files. Ninja has GN write them anew when a BUILD.gn changes. */
export async function configure(
  context: BuildContext,
  { ccWrapper, sources }: { ccWrapper?: CompilerWrapper; sources: Sources },
): Promise<void> {
  const { pin, cache, signal } = context
  await requireFetched(context)
  await requireTools('configure', [
    tools.python,
    tools.ninja,
    ...clangTools(pin.toolchain.clang),
    ...(ccWrapper ? [{ command: ccWrapper, debianPackage: ccWrapper }] : []),
  ])
  const clang = await findClang(pin.toolchain.clang)
  const gn = await provideGn(context, sources)
  const args = formatArgs(pin, clang, ccWrapper)
  // Neither is in the command lines that ninja compares: another compiler may have the same name, and precompiled headers
  // hold the absolute path of where they were made.
  const maker = sha256OfJson({ compiler: clang.version, place: cache.buildDirectory })
  const makerStamp = join(cache.buildDirectory, 'v8-rawmem-maker.json')
  const configureStamp = join(cache.buildDirectory, configureStampName)
  const key = sha256OfJson({ args, gn, rootPatterns: pin.build.rootPatterns })
  const argsPath = join(cache.buildDirectory, argsName)
  const configured = await stat(join(cache.buildDirectory, 'build.ninja')).catch(() => undefined)
  if (
    configured &&
    (await readFile(argsPath, 'utf8').catch(() => undefined)) === args &&
    (await isStamped(configureStamp, key)) &&
    (await isStamped(makerStamp, maker))
  ) {
    sayStage('configure', 'nothing has changed')
    return
  }

  sayStage('configure', `${clang.version}${ccWrapper ? ` behind ${ccWrapper}` : ''}`)
  await mkdir(cache.buildDirectory, { recursive: true })
  if (configured && !(await isStamped(makerStamp, maker))) {
    say('The compiler has changed, or the cache has moved; removing what was made before ...')
    await forgetMade(cache.buildDirectory)
    await $({ quiet: true, cwd: cache.tree, signal })`${gn} clean ${pin.build.buildDirectory}`
  }
  await writeFileDurably(argsPath, args)
  await generate(context, gn)
  await stamp(makerStamp, maker)
  await stamp(configureStamp, key, sha256(args))
}

/** Has GN write ninja's files. It touches only those that change. */
export async function generate({ pin, cache, signal }: BuildContext, gn: string): Promise<void> {
  const patterns = pin.build.rootPatterns.map((pattern) => `--root-pattern=${pattern}`)
  const generated = await $({
    quiet: true,
    nothrow: true,
    cwd: cache.tree,
    signal,
  })`${gn} gen ${pin.build.buildDirectory} ${patterns}`
  signal.throwIfAborted()
  const said = generated.stdout.trim() || generated.stderr.trim()
  if (saysDiskFull(said)) throw diskFull(cache.buildDirectory, 'GN', said)
  if (generated.exitCode !== 0) {
    throw new BuildError(
      `GN cannot generate the build:\n${said || `it ends with ${generated.signal ?? `code ${generated.exitCode}`}`}`,
      'If a patch changes build files, mend it in the work tree; otherwise compare "args" in v8.lock.json with what this V8 knows.',
    )
  }
  await recordGenerated(cache.buildDirectory)
}

/** The content of args.gn: the pinned arguments, and what depends on the machine. */
function formatArgs(pin: Pin, clang: Clang, ccWrapper: CompilerWrapper): string {
  const args = {
    ...pin.build.args,
    clang_base_path: clang.base,
    clang_version: String(pin.toolchain.clang),
    ...wrapperArgs(ccWrapper),
  }
  return Object.entries(args)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}\n`)
    .join('')
}

function wrapperArgs(ccWrapper: CompilerWrapper): Record<string, string | boolean> {
  if (!ccWrapper) return {}
  // Of the wrappers only ccache knows clang's precompiled headers; the others would pass such calls through.
  const precompiled =
    basename(ccWrapper) === 'ccache' ? {} : { v8_enable_precompiled_headers: false }
  return { cc_wrapper: ccWrapper, ...precompiled }
}
