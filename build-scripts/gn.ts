import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { $ } from 'zx'
import { findClang } from './clang.ts'
import { defaultJobs } from './compile/jobs.ts'
import { runNinja } from './compile/run-ninja.ts'
import { compilerEnvironment } from './compiler-environment.ts'
import type { BuildContext } from './context.ts'
import { renameDurably } from './durable-files.ts'
import { extract } from './fetch/extract.ts'
import { obtain } from './fetch/obtain.ts'
import { requireUpstreamPin, type Sources } from './fetch/sources.ts'
import { sha256OfFile, sha256OfJson } from './hash.ts'
import { isStamped, stamp, stampedResult } from './stamp.ts'
import { sayStage, warn } from './terminal.ts'
import { clangTools, requireTools, tools } from './tools.ts'
import { cloneGn } from './upstream/gn-source.ts'

/** Where GN is built, and the stamps of its steps. */
function gnPlaces({ pin, cache }: BuildContext) {
  const key = sha256OfJson({ source: pin.gn.archive.sha256, commit: pin.gn.commit })
  const folder = join(cache.toolchain, `gn-${key.slice(0, 12)}`)
  return {
    key,
    folder,
    program: join(folder, 'out', 'gn'),
    sourceStamp: join(folder, 'source.json'),
    builtStamp: join(folder, 'stamp.json'),
  }
}

/** Brings GN's source into the cache: the archive as it is, or its repository's files. */
export async function fetchGnSource(context: BuildContext, sources: Sources): Promise<void> {
  const { pin } = context
  const { key, folder, sourceStamp } = gnPlaces(context)
  if ((await isBuilt(context)) || (await isStamped(sourceStamp, key))) return
  if ((await sources.kindFor(context, pin.gn.archive)) === 'archive') {
    await obtain(context, pin.gn.archive, sources.archives)
    return
  }
  await putSource(context, folder, async (unpacking) => {
    await cloneGn(context, await requireUpstreamPin(context), unpacking, sources.mirrors)
  })
}

/** Puts GN's source in its place when it is whole. */
async function putSource(
  context: BuildContext,
  folder: string,
  fill: (unpacking: string) => Promise<void>,
): Promise<void> {
  const { key, sourceStamp } = gnPlaces(context)
  const unpacking = `${folder}.unpacking`
  await rm(unpacking, { recursive: true, force: true })
  await rm(folder, { recursive: true, force: true })
  await mkdir(dirname(folder), { recursive: true })
  await fill(unpacking)
  await renameDurably(unpacking, folder)
  await stamp(sourceStamp, key)
}

/** The path of the pinned GN, built from its source when the cache does not have it yet. */
export async function provideGn(context: BuildContext, sources: Sources): Promise<string> {
  const { pin, cache, signal } = context
  const { key, folder, program, sourceStamp, builtStamp } = gnPlaces(context)
  if (await isBuilt(context)) return program

  sayStage('configure', `building GN ${pin.gn.commit}`)
  await requireTools('building GN', [
    tools.tar,
    tools.gzip,
    tools.python,
    tools.ninja,
    tools.ar,
    ...clangTools(pin.toolchain.clang),
  ])
  if (!(await isStamped(sourceStamp, key))) await fetchGnSource(context, sources)
  if (!(await isStamped(sourceStamp, key))) {
    const archive = await obtain(context, pin.gn.archive, sources.archives)
    await putSource(context, folder, (unpacking) => extract(archive, unpacking, [], context))
  }
  await generate(folder, context)
  await runNinja({
    title: 'gn',
    folder: join(folder, 'out'),
    targets: ['gn'],
    jobs: defaultJobs(),
    logFolder: cache.logs,
    lockFd: context.lockFd,
    signal,
  })
  await $({ quiet: true })`sync --file-system ${folder}`
  await stamp(builtStamp, key, await sha256OfFile(program))
  return program
}

/** Whether GN is there, and the one that was built. What is not is removed, with the source it came from. */
async function isBuilt(context: BuildContext): Promise<boolean> {
  const { key, folder, program, builtStamp } = gnPlaces(context)
  if (!(await isStamped(builtStamp, key))) return false
  const found = await sha256OfFile(program, context.signal).catch(() => undefined)
  const built = await stampedResult(builtStamp)
  if (found !== undefined && (built === undefined || found === built)) return true
  warn(`${program} is not as it was built; building it again`)
  await rm(folder, { recursive: true, force: true })
  return false
}

async function generate(folder: string, { pin, signal }: BuildContext): Promise<void> {
  const clang = await findClang(pin.toolchain.clang)
  // Warnings allowed: this clang warns of what libstdc++'s headers of the same distribution do.
  await $({
    quiet: true,
    cwd: folder,
    signal,
    env: { ...compilerEnvironment(), CC: clang.cc, CXX: clang.cxx, AR: 'ar' },
  })`python3 build/gen.py --no-last-commit-position --allow-warnings`
  await writeFile(
    join(folder, 'out', 'last_commit_position.h'),
    [
      '#ifndef OUT_LAST_COMMIT_POSITION_H_',
      '#define OUT_LAST_COMMIT_POSITION_H_',
      '#define LAST_COMMIT_POSITION_NUM 0',
      `#define LAST_COMMIT_POSITION "0 (${pin.gn.commit})"`,
      '#endif  // OUT_LAST_COMMIT_POSITION_H_',
      '',
    ].join('\n'),
  )
}
