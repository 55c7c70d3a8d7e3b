import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { $ } from 'zx'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { buildSanitized, defaultSdk, runSdkTests } from '../sdk/sdk-tests.ts'
import { runTest } from '../support/run-test.ts'

const project = resolve(import.meta.dirname, '../..')

/** API tests that reach all of the addon's C++. Others are about packages, builds and samples. */
const apiTests = [
  'api',
  'attached-memory',
  'backends',
  'feeder',
  'fuzz',
  'limits',
  'region',
  'workers',
]

const asanOptions = [
  // V8 frees nothing at the end of a process.
  'detect_leaks=0',
  // Conservative scans of the stack must find what is on it.
  'detect_stack_use_after_return=0',
  // Node and V8 handle their own signals.
  'handle_segv=0',
  'handle_sigbus=0',
  'handle_abort=0',
  // Tests ask for more memory than there is.
  'allocator_may_return_null=1',
  'abort_on_error=1',
].join(':')

const sanitizerEnvironment = {
  ASAN_OPTIONS: asanOptions,
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'halt_on_error=1',
}

const stages = ['threads', 'sdk', 'api'] as const

interface Options {
  match?: string
}

const command = new Command('npm run test:sanitize --')
  .description(
    'Runs C++ of this project under sanitizers, with V8 as it is: what threads share under ThreadSanitizer, the C++ tests of the SDK and the API tests under AddressSanitizer and UndefinedBehaviorSanitizer.',
  )
  .argument('[stages...]', `any of ${stages.join(', ')} (default: all)`)
  .option('--match <file>', 'api: only this test file, or this folder of test/')
  .action(async (named: string[], options: Options) => {
    await runTest(false, () => sanitize(named.length > 0 ? named : stages, options))
  })

async function sanitize(named: readonly string[], { match }: Options): Promise<void> {
  const unknown = named.find((name) => !stages.some((stage) => stage === name))
  if (unknown !== undefined) {
    throw new AdvisedError(`There is no stage ${unknown}.`, `Name any of ${stages.join(', ')}.`)
  }
  const output = (text: string) => process.stdout.write(text)
  Object.assign(process.env, sanitizerEnvironment)
  if (named.includes('sdk')) await runSdkTests({ sdk: defaultSdk, output, sanitized: true })
  if (!named.includes('threads') && !named.includes('api')) return
  const { folder, compiler } = await buildSanitized(apiHeaders(), output)
  if (named.includes('threads')) {
    await $({ stdio: 'inherit' })`${join(folder, 'shared-mappings')}`
  }
  if (named.includes('api')) await runApiTests(folder, compiler, match)
}

function apiHeaders(): string {
  const manifest = createRequire(import.meta.url).resolve('node-api-headers/package.json')
  return join(dirname(manifest), 'include')
}

async function runApiTests(folder: string, compiler: string, match?: string): Promise<void> {
  const runtime = (await $`${compiler} -print-file-name=libclang_rt.asan-x86_64.so`).stdout.trim()
  if (!existsSync(runtime)) {
    throw new AdvisedError(
      `${compiler} brings no AddressSanitizer that can be loaded.`,
      'Install it, on Debian with: sudo apt-get install libclang-rt-22-dev',
    )
  }
  const tests = match === undefined ? apiTests.map((name) => `test/${name}/**`) : [match]
  const ava = join(project, 'node_modules/ava/entrypoints/cli.mjs')
  await $({
    cwd: project,
    stdio: 'inherit',
    env: {
      ...process.env,
      V8_RAWMEM_BINDING: join(folder, 'v8-rawmem.node'),
      // Node itself has no sanitizer: it has to be there before the addon is.
      LD_PRELOAD: runtime,
    },
  })`${process.execPath} ${ava} --serial --timeout=10m ${tests}`
}

await command.parseAsync()
