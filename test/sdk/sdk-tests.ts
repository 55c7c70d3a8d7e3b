import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, realpath } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { basename, join, resolve } from 'node:path'
import { which } from 'zx'
import { cacheRoot } from '../../build-scripts/shared/context.ts'
import { loadPin } from '../../build-scripts/shared/pin.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { writeModules } from './modules.ts'

const project = resolve(import.meta.dirname, '../..')

/** Where the build scripts put the SDK. */
export const defaultSdk = join(cacheRoot(), 'sdk', 'current')

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
  /** Where the output of the tools goes, line by line as it comes. */
  readonly output: (text: string) => void
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

/** Builds one CMake project against the SDK and runs its tests. Fails unless all of them pass. */
async function buildAndTest(
  source: string,
  build: string,
  definitions: Record<string, string>,
  options: SdkTestOptions,
): Promise<void> {
  await mkdir(build, { recursive: true })
  const jobs = String(availableParallelism())
  const configure = Object.entries(definitions).map(([name, value]) => `-D${name}=${value}`)
  const name = basename(source)
  const filter = options.filter ? ['-R', options.filter] : []
  const steps: [string, string, string[]][] = [
    ['configured', 'cmake', ['-S', source, '-B', build, ...configure]],
    ['built', 'cmake', ['--build', build, '--parallel', jobs]],
    [
      'passed',
      'ctest',
      ['--test-dir', build, '--parallel', jobs, '--output-on-failure', ...filter],
    ],
  ]
  for (const [done, command, args] of steps) {
    const code = await run(command, args, options.output)
    if (code === 0) continue
    throw new AdvisedError(
      done === 'passed' ? `Tests of ${name} failed.` : `${name} could not be ${done}.`,
      `The output above says why. To look closer: ${[command, ...args].join(' ')}`,
    )
  }
}

/**
 * Builds the C++ tests and the embedder sample against an SDK and runs them.
 * Throws a {@link AdvisedError} if the SDK or a tool is missing, or a test fails.
 */
export async function runSdkTests(options: SdkTestOptions): Promise<void> {
  if (!hasSdk(options.sdk)) {
    throw new AdvisedError(
      `There is no SDK in ${options.sdk}.`,
      'Make one with "npm run v8 -- all", or name its folder with --sdk.',
    )
  }
  await requireTool('cmake')
  await requireTool('ctest')
  const compiler = await chooseCompiler(options.compiler)
  const sdk = await realpath(options.sdk)
  // One folder for each pair: CMake cannot change the compiler of a build folder.
  const build = join(project, 'build', 'test-sdk', `${basename(sdk)}-${basename(compiler)}`)
  const modules = join(build, 'wasm')
  await writeModules(modules)
  const definitions = {
    CMAKE_CXX_COMPILER: compiler,
    'v8-rawmem_DIR': packageFolder(sdk),
  }
  await buildAndTest(
    import.meta.dirname,
    join(build, 'tests'),
    { ...definitions, WASM_MODULES: modules },
    options,
  )
  if (options.filter) return
  await buildAndTest(
    join(project, 'samples', 'embedder'),
    join(build, 'embedder'),
    definitions,
    options,
  )
}
