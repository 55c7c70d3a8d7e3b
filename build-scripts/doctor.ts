import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { join } from 'node:path'
import { AdvisedError } from '../terminal/advised-error.ts'
import { locateInPinnedSuite } from './fetch/apt.ts'
import { findGclientPython, gclientModule } from './fetch/gclient.ts'
import { gitHost, gitHostAnswers, Sources, words } from './fetch/sources.ts'
import { loadUpstreamPin } from './fetch/upstream-pin.ts'
import type { BuildContext } from './shared/context.ts'
import { freeBytes } from './shared/disk.ts'
import { bytesPerJob, defaultJobs } from './shared/ninja.ts'
import { type PinnedArchive, thisPlatform } from './shared/pin.ts'
import { formatBytes, mark, say } from './shared/terminal.ts'
import {
  clangTools,
  compilesCxx20,
  emulatorTools,
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
    say(`${mark(finding.state)}  ${finding.text}`)
    findings.push(finding)
  }
  const missing = findings.filter(({ state }) => state === 'missing')
  if (missing.length === 0) {
    say('This machine can build V8.')
    return
  }
  const packages = missing.flatMap((finding) => finding.packages ?? [])
  throw new AdvisedError(
    `This machine lacks ${missing.length} of the things above.`,
    packages.length > 0 ? `Install with: ${installCommand(packages)}` : 'See the list.',
  )
}

async function* examine(context: BuildContext, offline: boolean): AsyncGenerator<Finding> {
  const { pin, cache } = context
  const node = Number(process.versions.node.split('.')[0])
  yield found(node >= 20, `Node.js ${process.versions.node} (20 or later is needed)`)
  yield found(
    process.platform === 'linux' && process.arch === 'x64',
    `${thisPlatform} (V8 is built on linux-x64)`,
  )
  yield* examineTools(context)
  await mkdir(cache.root, { recursive: true })
  const free = await freeBytes(cache.root)
  yield found(
    free >= bytesOfEverything,
    `${formatBytes(free)} free in ${cache.root} (a whole build takes ${formatBytes(bytesOfEverything)})`,
  )
  yield noted(
    totalmem() >= 2 * bytesPerJob,
    `${formatBytes(totalmem())} of memory: ${defaultJobs()} compile jobs at a time (${formatBytes(bytesPerJob)} each)`,
  )
  for (const archive of [pin.source.archive, pin.gn.archive]) {
    yield await examineArchive(context, archive, offline)
  }
  yield* examineUpstream(context, offline)
}

/** What a build cannot do without, and the package that has it. */
function found(isThere: boolean, text: string, debianPackage?: string): Finding {
  if (isThere) return { state: 'ok', text }
  return { state: 'missing', text, packages: debianPackage ? [debianPackage] : [] }
}

/** What a build can do without. */
function noted(isThere: boolean, text: string): Finding {
  return { state: isThere ? 'ok' : 'note', text }
}

async function* examineTools({ pin, target }: BuildContext): AsyncGenerator<Finding> {
  const clangMajor = pin.toolchain.clang
  const { aptGet: _, ...required } = tools
  const wanted = [...Object.values(required), ...clangTools(clangMajor), ...emulatorTools(target)]
  const missing = await missingTools(wanted)
  for (const tool of wanted) {
    const { command, debianPackage } = tool
    yield found(!missing.includes(tool), `${command} (package ${debianPackage})`, debianPackage)
  }
  const lacksClang = missing.some(({ command }) => command.startsWith('clang'))
  const clang = lacksClang ? undefined : await findClang(clangMajor)
  const runtime = `libclang-rt-${clangMajor}-dev`
  yield found(
    clang !== undefined && (await hasRuntime(clang)),
    `clang's runtime library (package ${runtime})`,
    runtime,
  )
  yield found(
    clang !== undefined && (await compilesCxx20(clang)),
    'headers of the C++ standard library, C++20 (package g++)',
    'g++',
  )
  if (!target.cross || lacksClang) return
  const cross = `g++-${target.cross.triple}`
  yield found(
    await findClang(clangMajor, target.cross.triple).then(compilesCxx20, () => false),
    `the same for ${target.platform} (package ${cross})`,
    cross,
  )
}

async function examineArchive(
  { cache }: BuildContext,
  archive: PinnedArchive,
  offline: boolean,
): Promise<Finding> {
  const { file } = archive
  if (existsSync(join(cache.downloads, file))) return noted(true, `${file} is in the cache`)
  if (offline) return noted(false, `${file}: not looked for (--offline)`)
  if ((await missingTools([tools.aptGet])).length > 0) {
    return noted(false, `${file}: no apt here; pass it with --archive`)
  }
  try {
    const { url } = await locateInPinnedSuite(archive, cache.apt)
    return noted(true, `${file} comes from ${url.host} (through apt)`)
  } catch (error) {
    if (!(error instanceof AdvisedError)) throw error
    return noted(false, `${error.message}\n         ${error.advice}`)
  }
}

/** What `--source depot_tools` takes; a build can do without, from the archive. */
async function* examineUpstream(context: BuildContext, offline: boolean): AsyncGenerator<Finding> {
  const upstream = await loadUpstreamPin(context)
  if (!upstream) return
  const python = await findGclientPython()
  const { name, debianPackage } = gclientModule
  yield python
    ? noted(true, `${python} can run gclient (for --source depot_tools)`)
    : noted(
        false,
        `no python3 of version 3.11 or later with ${name}: --source depot_tools needs it (package ${debianPackage})`,
      )
  const { mirrors } = new Sources({ mirror: words(process.env.V8_RAWMEM_GIT_MIRROR) })
  const host = gitHost(upstream, mirrors)
  if (offline) {
    yield noted(false, `${host}: not asked (--offline)`)
    return
  }
  const answers = await gitHostAnswers(upstream, mirrors)
  yield noted(
    answers,
    answers
      ? `${host} answers git (--source depot_tools)`
      : `${host} does not answer git: the sources come from the archive`,
  )
}
