import { existsSync } from 'node:fs'
import { mkdir, statfs } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { locateWithApt } from './fetch/apt.ts'
import { findGclientPython, gclientModule } from './fetch/gclient.ts'
import { gitHost, gitHostAnswers, Sources, words } from './fetch/sources.ts'
import { loadUpstreamPin } from './fetch/upstream-pin.ts'
import { BuildError } from './shared/build-error.ts'
import type { BuildContext } from './shared/context.ts'
import { bytesPerJob, defaultJobs } from './shared/ninja.ts'
import type { PinnedArchive } from './shared/pin.ts'
import { formatBytes, mark, say } from './shared/terminal.ts'
import {
  clangTools,
  compilesCxx20,
  findClang,
  hasRuntime,
  installCommand,
  missingTools,
  tools,
} from './shared/toolchain.ts'

/** Sources, work tree, build directory and SDK together. */
const bytesOfEverything = 6e9

/** One line of the doctor's list. */
interface Finding {
  readonly state: 'ok' | 'missing' | 'note'
  readonly text: string
  readonly packages?: readonly string[]
}

/** Prints what a build needs and whether this machine has it; fails when something is missing. */
export async function doctor(
  context: BuildContext,
  { offline }: { offline: boolean },
): Promise<void> {
  const findings: Finding[] = []
  for await (const finding of examine(context, offline)) {
    context.signal.throwIfAborted()
    say(`${mark(finding.state)}  ${finding.text}`)
    findings.push(finding)
  }
  const missing = findings.filter(({ state }) => state === 'missing')
  if (missing.length === 0) {
    say('This machine can build V8.')
    return
  }
  const packages = missing.flatMap((finding) => finding.packages ?? [])
  throw new BuildError(
    `This machine lacks ${missing.length} of the things above.`,
    packages.length > 0 ? `Install with: ${installCommand(packages)}` : 'See the list.',
  )
}

async function* examine(context: BuildContext, offline: boolean): AsyncGenerator<Finding> {
  const { pin, cache } = context
  const node = Number(process.versions.node.split('.')[0])
  yield {
    state: node >= 20 ? 'ok' : 'missing',
    text: `Node.js ${process.versions.node} (20 or later is needed)`,
  }
  yield {
    state: process.platform === 'linux' && process.arch === 'x64' ? 'ok' : 'missing',
    text: `${process.platform}-${process.arch} (V8 is built for linux-x64)`,
  }
  yield* examineTools(pin.toolchain.clang)
  yield await examineDisk(cache.root)
  yield {
    state: totalmem() >= 2 * bytesPerJob ? 'ok' : 'note',
    text: `${formatBytes(totalmem())} of memory: ${defaultJobs()} compile jobs at a time (${formatBytes(bytesPerJob)} each)`,
  }
  for (const archive of [pin.source.archive, pin.gn.archive]) {
    yield await examineArchive(context, archive, offline)
  }
  yield* examineUpstream(context, offline)
}

/** What `--source depot_tools` takes; a build can do without, from the archive. */
async function* examineUpstream(context: BuildContext, offline: boolean): AsyncGenerator<Finding> {
  const upstream = await loadUpstreamPin(context)
  if (!upstream) return
  const python = await findGclientPython()
  yield {
    state: python ? 'ok' : 'note',
    text: python
      ? `${python} can run gclient (for --source depot_tools)`
      : `no python3 of version 3.11 or later with ${gclientModule.name}: --source depot_tools needs it (package ${gclientModule.debianPackage})`,
  }
  const { mirrors } = new Sources({ mirror: words(process.env.V8_RAWMEM_GIT_MIRROR) })
  const host = gitHost(upstream, mirrors)
  if (offline) {
    yield { state: 'note', text: `${host}: not asked (--offline)` }
    return
  }
  const answers = await gitHostAnswers(upstream, mirrors, context.signal)
  yield {
    state: answers ? 'ok' : 'note',
    text: answers
      ? `${host} answers git (--source depot_tools)`
      : `${host} does not answer git: the sources come from the archive`,
  }
}

async function* examineTools(clangMajor: number): AsyncGenerator<Finding> {
  const { aptGet: _, ...required } = tools
  const wanted = [...Object.values(required), ...clangTools(clangMajor)]
  const missing = await missingTools(wanted)
  for (const tool of wanted) {
    const lacks = missing.includes(tool)
    yield {
      state: lacks ? 'missing' : 'ok',
      text: `${tool.command} (package ${tool.debianPackage})`,
      packages: lacks ? [tool.debianPackage] : [],
    }
  }
  const runtime = `libclang-rt-${clangMajor}-dev`
  const clang = missing.some(({ command }) => command.startsWith('clang'))
    ? undefined
    : await findClang(clangMajor)
  const runtimeFound = clang ? await hasRuntime(clang) : false
  yield {
    state: runtimeFound ? 'ok' : 'missing',
    text: `clang's runtime library (package ${runtime})`,
    packages: runtimeFound ? [] : [runtime],
  }
  const headersFound = clang ? await compilesCxx20(clang) : false
  yield {
    state: headersFound ? 'ok' : 'missing',
    text: 'headers of the C++ standard library, C++20 (package g++)',
    packages: headersFound ? [] : ['g++'],
  }
}

async function examineDisk(root: string): Promise<Finding> {
  await mkdir(root, { recursive: true })
  const { bavail, bsize } = await statfs(root)
  const free = bavail * bsize
  return {
    state: free >= bytesOfEverything ? 'ok' : 'missing',
    text: `${formatBytes(free)} free in ${root} (a whole build takes ${formatBytes(bytesOfEverything)})`,
  }
}

async function examineArchive(
  { cache, signal }: BuildContext,
  archive: PinnedArchive,
  offline: boolean,
): Promise<Finding> {
  if (existsSync(join(cache.downloads, archive.file))) {
    return { state: 'ok', text: `${archive.file} is in the cache` }
  }
  if (offline) return { state: 'note', text: `${archive.file}: not looked for (--offline)` }
  const aptMissing = await missingTools([tools.aptGet])
  if (aptMissing.length > 0) {
    return { state: 'note', text: `${archive.file}: no apt here; pass it with --archive` }
  }
  try {
    const { url } = await locateWithApt(archive, cache.apt, signal)
    return { state: 'ok', text: `${archive.file} comes from ${url.host} (through apt)` }
  } catch (error) {
    signal.throwIfAborted()
    if (!(error instanceof BuildError)) throw error
    return { state: 'note', text: `${error.message}\n         ${error.advice}` }
  }
}
