import { join, resolve } from 'node:path'
import { Command } from 'commander'
import { $ } from 'zx'
import { endTools } from '../../build-scripts/shared/shell.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { runSdkTests, sdkOf } from '../sdk/sdk-tests.ts'
import { runTest } from '../support/run-test.ts'
import { buildSanitizedAddon, type SanitizedBuild, sanitizerEnvironment } from './addon.ts'

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

/** It says how long switches take, which sanitizers make longer. */
const costTest = '!test/feeder/cost.test.ts'

const stages = ['threads', 'sdk', 'api'] as const

interface Options {
  match?: string
  variant?: string
}

const command = new Command('npm run test:sanitize --')
  .description(
    'Runs C++ of this project under sanitizers, with V8 as it is or a variant of it: what threads share under ThreadSanitizer, the C++ tests of the SDK and the API tests under AddressSanitizer and UndefinedBehaviorSanitizer.',
  )
  .argument('[stages...]', `any of ${stages.join(', ')} (default: all)`)
  .option('--match <file>', 'api: only this test file, or this folder of test/')
  .option(
    '--variant <name>',
    'asan or debug: with that V8, which "npm run v8 -- all --variant" makes',
  )
  .action(async (named: string[], options: Options) => {
    await runTest(false, async (signal) => {
      signal.addEventListener('abort', endTools)
      await sanitize(named.length > 0 ? named : stages, options, signal)
    })
  })

async function sanitize(
  named: readonly string[],
  { match, variant }: Options,
  signal: AbortSignal,
): Promise<void> {
  const unknown = named.find((name) => !stages.some((stage) => stage === name))
  if (unknown !== undefined) {
    throw new AdvisedError(`There is no stage ${unknown}.`, `Name any of ${stages.join(', ')}.`)
  }
  const output = (text: string) => process.stdout.write(text)
  Object.assign(process.env, await sanitizerEnvironment())
  if (named.includes('sdk')) {
    await runSdkTests({ sdk: sdkOf(variant), output, sanitized: true })
  }
  if (!named.includes('threads') && !named.includes('api')) return
  signal.throwIfAborted()
  const { folder, environment } = await buildSanitizedAddon(output, variant)
  if (named.includes('threads')) {
    await $({ stdio: 'inherit' })`${join(folder, 'shared-mappings')}`
  }
  signal.throwIfAborted()
  if (named.includes('api')) await runApiTests(environment, match)
}

async function runApiTests(
  environment: SanitizedBuild['environment'],
  match?: string,
): Promise<void> {
  const tests =
    match === undefined ? [...apiTests.map((name) => `test/${name}/**`), costTest] : [match]
  const ava = join(project, 'node_modules/ava/entrypoints/cli.mjs')
  const { exitCode } = await $({
    cwd: project,
    stdio: 'inherit',
    nothrow: true,
    env: { ...process.env, ...environment },
  })`${process.execPath} ${ava} --serial --timeout=10m ${tests}`
  if (exitCode !== 0) {
    throw new AdvisedError(
      'Tests failed with the sanitized addon.',
      'Read the first report above. --match runs one file again.',
    )
  }
}

await command.parseAsync()
