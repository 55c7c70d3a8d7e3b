import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { $, glob, which } from 'zx'
import { cacheRoot, sdkFolder } from '../../build-scripts/shared/context.ts'
import { loadPin, thisPlatform } from '../../build-scripts/shared/pin.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { writeModules } from './modules.ts'

const project = resolve(import.meta.dirname, '../..')

/** Where the build scripts put the SDK, or that of a variant. */
export function sdkOf(variant?: string): string {
  const folder = sdkFolder(cacheRoot(), { platform: thisPlatform, ...(variant && { variant }) })
  return join(folder, 'current')
}

export const defaultSdk = sdkOf()

/** What a build folder is called: no two SDKs share one. */
function buildFolder(name: string, variant: string | undefined): string {
  return join(project, 'build', [name, variant].filter(Boolean).join('-'))
}

/** Whether `folder` holds an SDK. */
export function hasSdk(folder: string): boolean {
  return existsSync(packageFolder(folder)) && existsSync(join(folder, 'lib', 'libv8_monolith.a'))
}

export interface SdkTestOptions {
  /** The folder of the SDK. */
  readonly sdk: string
  /** The C++ compiler; by default $CXX, the pinned clang, clang++ or g++, whichever is there. */
  readonly compiler?: string | undefined
  /** Run only the tests whose names match, a regular expression as ctest takes it. */
  readonly filter?: string | undefined
  /** Leave out the tests with the label "thorough": most suites in most tiers. */
  readonly brief?: boolean
  /** What another processor's programs are compiled with, and run by, where the SDK is for one. */
  readonly cross?: Cross | undefined
  /** Run the tests under AddressSanitizer and UndefinedBehaviorSanitizer, with V8 as it is. */
  readonly sanitized?: boolean
  /** Where the output of the tools goes, line by line as it comes. */
  readonly output: (text: string) => void
}

/** A cross-compile. */
export interface Cross {
  /** As `uname -m` calls it. */
  readonly processor: string
  /** Options of the compiler. */
  readonly flags: readonly string[]
  /** The command that runs the programs. */
  readonly emulator: readonly string[]
}

function packageFolder(sdk: string): string {
  return join(sdk, 'lib', 'cmake', 'v8-rawmem')
}

async function chooseCompiler(named: string | undefined): Promise<string> {
  const { toolchain } = await loadPin(project)
  const wanted = named ?? process.env.CXX
  const candidates = wanted ? [wanted] : [`clang++-${toolchain.clang}`, 'clang++', 'g++']
  for (const candidate of candidates) {
    const found = await which(candidate, { nothrow: true })
    if (found) return found
  }
  throw new AdvisedError(
    `There is no C++ compiler: looked for ${candidates.join(', ')}.`,
    'Install clang or g++ 12 or later, or name one with --compiler.',
  )
}

async function requireTool(command: string): Promise<void> {
  if (await which(command, { nothrow: true })) return
  throw new AdvisedError(
    `The C++ tests are built with ${command}, which is not on the PATH.`,
    'Install it, on Debian with: sudo apt-get install cmake',
  )
}

async function run(
  command: string,
  args: readonly string[],
  output: (text: string) => void,
): Promise<number> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.setEncoding('utf8').on('data', output)
  child.stderr.setEncoding('utf8').on('data', output)
  return await new Promise((resolveExit, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolveExit(code ?? (signal ? 128 : 1)))
  })
}

/** A CMake project that uses the SDK. */
interface CxxProject {
  readonly source: string
  readonly build: string
  readonly definitions: Readonly<Record<string, string>>
}

const jobs = String(availableParallelism())

async function buildProject(
  { source, build, definitions }: CxxProject,
  output: SdkTestOptions['output'],
): Promise<void> {
  await requireTool('cmake')
  await mkdir(build, { recursive: true })
  const configure = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`)
  const name = basename(source)
  const steps: [string, string[]][] = [
    ['configured', ['-S', source, '-B', build, ...configure]],
    ['built', ['--build', build, '--parallel', jobs]],
  ]
  for (const [done, args] of steps) {
    if ((await run('cmake', args, output)) !== 0) {
      throw failure(`${name} could not be ${done}.`, ['cmake', ...args])
    }
  }
}

/** Builds one CMake project against the SDK and runs its tests. Fails unless all of them pass. */
async function buildAndTest(project: CxxProject, options: SdkTestOptions): Promise<void> {
  await buildProject(project, options.output)
  // A test that is named may print figures, as the one of prices does.
  const which = options.filter ? ['--verbose', '-R', options.filter] : ['--output-on-failure']
  const { build, source } = project
  const brief = options.brief ? ['--label-exclude', 'thorough'] : []
  const args = ['--test-dir', build, '--parallel', jobs, ...brief, ...which]
  if ((await run('ctest', args, options.output)) === 0) return
  throw failure(`Tests of ${basename(source)} failed.`, ['ctest', ...args])
}

function failure(what: string, command: readonly string[]): AdvisedError {
  return new AdvisedError(what, `The output above says why. To look closer: ${command.join(' ')}`)
}

/** What the C++ tests are built from. */
async function cxxTests(
  sdk: string,
  compiler: string,
  build: string,
  more: Readonly<Record<string, string>> = {},
): Promise<CxxProject & { readonly modules: string }> {
  const modules = join(build, 'wasm')
  await writeModules(modules)
  const definitions = {
    CMAKE_CXX_COMPILER: compiler,
    'v8-rawmem_DIR': packageFolder(sdk),
    WASM_MODULES: modules,
    ...more,
  }
  return { source: import.meta.dirname, build: join(build, 'tests'), definitions, modules }
}

/**
 * Builds the C++ tests with the C library of another Linux, and this one's C++ library inside.
 *
 * @param root where the files of that Linux are
 * @returns the program, and the folder of the modules that it takes
 */
export async function buildCxxTestsFor(
  root: string,
  { sdk: named, output }: Pick<SdkTestOptions, 'sdk' | 'output'>,
): Promise<{ program: string; modules: string }> {
  const sdk = await realpath(named)
  const { toolchain } = await loadPin(project)
  const compiler = await chooseCompiler(`clang++-${toolchain.clang}`)
  const installed = dirname((await $`${compiler} -print-file-name=libstdc++.a`).stdout.trim())
  // Of the older gcc there: what unwinds frames here asks for a newer C library.
  const [unwinder] = await glob('usr/lib/gcc/*/*/libgcc_eh.a', { cwd: root, absolute: true })
  const build = join(project, 'build', 'test-sdk', `${basename(sdk)}-${basename(root)}`)
  const tests = await cxxTests(sdk, compiler, build, {
    CMAKE_SYSROOT: root,
    CMAKE_CXX_FLAGS: `--gcc-install-dir=${installed}`,
    CMAKE_EXE_LINKER_FLAGS: `-fuse-ld=lld -static-libstdc++ -static-libgcc -L${dirname(unwinder!)}`,
    CMAKE_DISABLE_FIND_PACKAGE_PkgConfig: 'ON',
  })
  await buildProject(tests, output)
  return { program: join(tests.build, 'raw-memory-tests'), modules: tests.modules }
}

/**
 * Builds the fuzzers of test/fuzz/cpp against the SDK of the cache, or that of a variant.
 *
 * @returns the folder of the programs, and the folder of modules to begin with
 */
export async function buildFuzzers(variant?: string): Promise<{ folder: string; modules: string }> {
  const sdk = sdkOf(variant)
  requireSdk(sdk, variant)
  const { toolchain } = await loadPin(project)
  // Only clang has libFuzzer.
  const compiler = await chooseCompiler(`clang++-${toolchain.clang}`)
  const build = buildFolder('test-fuzz', variant)
  const { definitions, modules } = await cxxTests(await realpath(sdk), compiler, build)
  const folder = join(build, 'fuzzers')
  const source = join(project, 'test', 'fuzz', 'cpp')
  let output = ''
  try {
    await buildProject({ source, build: folder, definitions }, (text) => (output += text))
  } catch (error) {
    process.stdout.write(output)
    throw error
  }
  return { folder, modules }
}

function crossDefinitions({ processor, flags, emulator }: Cross): Record<string, string> {
  return {
    CMAKE_SYSTEM_NAME: 'Linux',
    CMAKE_SYSTEM_PROCESSOR: processor,
    CMAKE_CXX_FLAGS: flags.join(' '),
    CMAKE_EXE_LINKER_FLAGS: '-fuse-ld=lld',
    CMAKE_CROSSCOMPILING_EMULATOR: emulator.join(';'),
  }
}

/** LLVM's linker, if it is there, takes a fourth of the time that GNU's does. */
async function linkerFlags(compiler: string): Promise<Record<string, string>> {
  const lld = (await $`${compiler} -print-prog-name=ld.lld`).stdout.trim()
  return (await which(lld, { nothrow: true })) ? { CMAKE_EXE_LINKER_FLAGS: '-fuse-ld=lld' } : {}
}

const sanitizerFlags = {
  CMAKE_BUILD_TYPE: 'RelWithDebInfo',
  CMAKE_CXX_FLAGS:
    '-fsanitize=address,undefined -fno-sanitize=vptr,function -fno-sanitize-recover=undefined -fno-omit-frame-pointer',
}

/**
 * Builds what test/sanitize/CMakeLists.txt says against the SDK of the cache, or that of a variant.
 *
 * @param headers the folder of node_api.h
 * @returns the folder of what was built, and by which compiler
 */
export async function buildSanitized(
  headers: string,
  output: SdkTestOptions['output'],
  variant?: string,
): Promise<{ folder: string; compiler: string }> {
  const sdk = sdkOf(variant)
  requireSdk(sdk, variant)
  const { toolchain } = await loadPin(project)
  const compiler = await chooseCompiler(`clang++-${toolchain.clang}`)
  const folder = buildFolder('test-sanitize', variant)
  const definitions = {
    CMAKE_CXX_COMPILER: compiler,
    'v8-rawmem_DIR': packageFolder(await realpath(sdk)),
    NODE_API_HEADERS: headers,
  }
  const source = join(project, 'test', 'sanitize')
  await buildProject({ source, build: folder, definitions }, output)
  return { folder, compiler }
}

function requireSdk(sdk: string, variant?: string): void {
  if (hasSdk(sdk)) return
  throw new AdvisedError(
    `There is no SDK in ${sdk}.`,
    variant
      ? `Make it with: npm run v8 -- all --variant ${variant}`
      : 'Make one with "npm run v8 -- all", or name its folder with --sdk.',
  )
}

/**
 * Builds the C++ tests and the embedder sample against an SDK and runs them.
 * Throws a {@link AdvisedError} if the SDK or a tool is missing, or a test fails.
 */
export async function runSdkTests(options: SdkTestOptions): Promise<void> {
  requireSdk(options.sdk)
  await requireTool('ctest')
  const compiler = await chooseCompiler(options.compiler)
  const sdk = await realpath(options.sdk)
  // One folder for each pair: CMake cannot change the compiler of a build folder.
  const suffix = options.sanitized ? '-sanitized' : ''
  const name = `${basename(sdk)}-${basename(compiler)}${suffix}`
  const build = join(project, 'build', 'test-sdk', name)
  const cross = options.cross ? crossDefinitions(options.cross) : {}
  const more = options.sanitized ? sanitizerFlags : cross
  const tests = { ...(await linkerFlags(compiler)), ...more }
  await buildAndTest(await cxxTests(sdk, compiler, build, tests), options)
  if (options.filter || options.sanitized) return
  // Linked as the compiler does it by itself.
  const source = join(project, 'samples', 'embedder')
  const own = { CMAKE_CXX_COMPILER: compiler, 'v8-rawmem_DIR': packageFolder(sdk) }
  const definitions = { ...own, ...cross }
  await buildAndTest({ source, build: join(build, 'embedder'), definitions }, options)
}
