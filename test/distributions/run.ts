// Runs the prebuilt addons, and a program that links the SDK, with an older C library than this
// machine's.
import { dirname, join, resolve } from 'node:path'
import { Command } from 'commander'
import { glob } from 'zx'
import { cacheRoot } from '../../build-scripts/shared/context.ts'
import { mark, say } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { buildCxxTestsFor, defaultSdk, hasSdk } from '../sdk/sdk-tests.ts'
import { nodeCache, provideNode } from '../support/provide-node.ts'
import { runTest } from '../support/run-test.ts'
import { typescript } from '../support/typescript.ts'
import { OlderSystem, rootIn } from './older-system.ts'

const project = resolve(import.meta.dirname, '../..')

const testFiles = [
  'test/api/{errors,functions,lifetime,memory,teardown,values,workers}.test.ts',
  'test/attached-memory/{attach,instance,memory}.test.ts',
  'test/region/**/*.test.ts',
]

interface Options {
  readonly mirror?: string
  readonly sdk: string
  readonly files: string[]
}

const command = new Command('npm run test:distributions --')
  .description(
    'Runs a sample and tests of the API with the prebuilt addons in Debian 11 (glibc 2.31), which debootstrap installs into the cache, and the C++ tests of the SDK, linked against its C library. Needs root.',
  )
  .argument('[releases...]', 'releases of Node', ['20', '26'])
  .option('--files <pattern...>', 'which tests', testFiles)
  .option('--sdk <folder>', 'the SDK to test', defaultSdk)
  .option('--mirror <url>', "a mirror of Debian (default: debootstrap's)")
  .showHelpAfterError()
  .action(async (releases: string[], options: Options) => {
    await runTest(false, () => test(releases, options))
  })

async function test(releases: readonly string[], { mirror, sdk, files }: Options): Promise<void> {
  const nodes = new Map<string, string>()
  for (const release of releases) nodes.set(release, await provideNode(release, nodeCache))
  const shared = [project, join(project, 'node_modules'), nodeCache]
  const system = await OlderSystem.provide(rootIn(cacheRoot()), shared, mirror)
  const tests = await glob(files, { cwd: project })
  for (const [release, node] of nodes) await testNode(system, release, node, tests)
  if (hasSdk(sdk)) await testSdk(system, sdk)
  else say(`${mark('note')} left out: there is no SDK in ${sdk}`)
}

async function testNode(
  system: OlderSystem,
  release: string,
  node: string,
  tests: readonly string[],
): Promise<void> {
  // Without V8_RAWMEM_BINDING, the prebuilt addons are loaded.
  const env = { HOME: '/root', PATH: `${dirname(node)}:/usr/bin:/bin` }
  await system.run(
    [node, ...typescript, 'samples/run.ts', 'flights', '--size', '1GiB'],
    project,
    env,
  )
  say(`${mark('ok')} Node ${release}: the sample`)
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs')
  const output = await system.run([node, ava, '--tap', ...tests], project, env)
  const passed = Number(/^# pass (\d+)/m.exec(output)?.[1] ?? 0)
  if (passed === 0) throw new AdvisedError('No test has run.', 'Look at --files.')
  say(`${mark('ok')} Node ${release}: ${passed} tests`)
}

async function testSdk(system: OlderSystem, sdk: string): Promise<void> {
  let output = ''
  const { program, modules } = await buildCxxTestsFor(system.root, {
    sdk,
    output: (text) => (output += text),
  }).catch((error) => {
    say(output)
    throw error
  })
  const env = { PATH: '/usr/bin:/bin' }
  for (const suite of ['raw-memory', 'backing-store', 'bounds', 'interrupts', 'object-graph']) {
    const printed = await system.run(
      [program, `--modules=${modules}`, `--suite=${suite}`],
      project,
      env,
    )
    say(`${mark('ok')} the SDK, suite ${suite}: ${printed.trim().split('\n').at(-1)}`)
  }
}

await command.parseAsync()
