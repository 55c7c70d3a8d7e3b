// Runs the addons for arm64 on this machine, in an emulator.
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { glob } from 'zx'
import { addonNames } from '../../build-scripts/bind/prebuild-manifest.ts'
import { type BuildContext, openContext } from '../../build-scripts/shared/context.ts'
import { $ } from '../../build-scripts/shared/shell.ts'
import { formatDuration, mark, say } from '../../build-scripts/shared/terminal.ts'
import { emulatorTools, findEmulator, requireTools } from '../../build-scripts/shared/toolchain.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { hasSdk, runSdkTests } from '../sdk/sdk-tests.ts'
import { nodeCache } from '../support/provide-node.ts'
import { runTest } from '../support/run-test.ts'
import { typescript } from '../support/typescript.ts'
import { type EmulatedNode, provideEmulatedNode } from './emulated-node.ts'

const project = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const platform = 'linux-arm64'

/** What needs the addon with V8 inside. */
const engineTests = [
  'test/api/{errors,functions,memory,values}.test.ts',
  'test/attached-memory/{attach,instance,memory}.test.ts',
  'test/backends/patched.test.ts',
]

/** What runs with the small addon. */
const nodeTests = [
  'test/backends/{node-raw,node-rewire,raw-examination,rewired-memory}.test.ts',
  'test/region/{address,allocate,map-file,share,subarray}.test.ts',
]

/** What depends on the size of a page. */
const pageTests = [
  'test/backends/rewired-memory.test.ts',
  'test/region/{allocate,map-file}.test.ts',
]

/** For each memory that is made, the emulator keeps 48 MiB about its addresses for good. These make hundreds, or fill all addresses. */
const notEmulated = [
  'a memory that the engine has to move when it grows gets its own bytes back',
  'the search finds the same places again and again, wherever objects lie',
]

const samples = [
  ['flights', '--size', '32MiB'],
  ['inplace', '--size', '4MiB'],
]

interface Options {
  readonly files?: string[]
  readonly pageSize: string[]
  readonly verbose?: boolean
}

const command = new Command('npm run test:arm64 --')
  .description(
    'Runs tests of the API, the conformance suite and samples with the prebuilt addons for arm64, under a stock Node for arm64, and the C++ tests with the SDK for arm64 if there is one, in qemu-user, which is slow.',
  )
  .argument('[releases...]', 'releases of Node', ['26'])
  .option('--files <pattern...>', 'which tests')
  .option('--page-size <bytes...>', 'which sizes of pages', ['4096'])
  .option('--verbose', 'show where in the scripts an error arose')
  .showHelpAfterError()
  .action(async (releases: string[], options: Options) => {
    await runTest(options.verbose, () => test(releases, options))
  })

async function test(releases: readonly string[], { files, pageSize }: Options): Promise<void> {
  const context = await openContext({ project, target: platform })
  await requireTools('test:arm64', emulatorTools(context.target))
  const emulator = (await findEmulator(context.target, await context.clang())) ?? []
  const prebuilds = join(project, 'prebuilds', platform)
  const engine = existsSync(join(prebuilds, addonNames.engine))
  if (!engine && !existsSync(join(prebuilds, addonNames.node))) {
    throw new AdvisedError(
      `There are no addons in ${prebuilds}.`,
      `Build them with: npm run v8 -- all --target ${platform} && npm run build:binding -- --target ${platform}`,
    )
  }
  if (!engine) say(`${mark('note')} there is no ${addonNames.engine}: only what works without it`)
  const usual = [...(engine ? engineTests : []), ...nodeTests]
  for (const release of releases) {
    for (const size of pageSize.map(Number)) {
      const node = await provideEmulatedNode(release, {
        cache: nodeCache,
        emulator,
        pageSize: size,
      })
      const title = `Node ${release}, pages of ${size} bytes`
      const isUsual = size === 4096
      const wanted = files ?? (isUsual ? usual : pageTests)
      for (const words of engine && isUsual && !files ? samples : []) {
        await runSample(node, title, words)
      }
      await runTests(node, title, await glob(wanted, { cwd: project }))
    }
  }
  if (!files) await runCxxTests(context, emulator)
}

/** The C++ tests and the embedder sample. */
async function runCxxTests({ cache, clang }: BuildContext, emulator: readonly string[]) {
  const sdk = join(cache.sdk, 'current')
  if (!hasSdk(sdk)) {
    say(`${mark('note')} left out: there is no SDK in ${sdk}`)
    return
  }
  const { cxx, flags } = await clang()
  const cross = { processor: 'aarch64', flags, emulator }
  await runSdkTests({ sdk, compiler: cxx, cross, output: (text) => process.stdout.write(text) })
  say(`${mark('ok')} the C++ tests`)
}

async function runSample(node: EmulatedNode, title: string, words: readonly string[]) {
  const options = [...typescript, 'samples/run.ts', ...words]
  await $({ cwd: project, env: node.env })`${node.path} ${options}`
  say(`${mark('ok')} ${title}: the sample ${words[0]}`)
}

async function runTests(node: EmulatedNode, title: string, tests: readonly string[]) {
  const started = Date.now()
  const ava = join('node_modules', 'ava', 'entrypoints', 'cli.mjs')
  // One file at a time: several would have to share the processors, and time out.
  const options = [
    '--tap',
    '--concurrency=1',
    '--timeout=20m',
    ...notEmulated.map((title) => `--match=!*${title}`),
    ...tests,
  ]
  const { stdout, stderr, exitCode } = await $({
    cwd: project,
    env: node.env,
    nothrow: true,
  })`${node.path} ${ava} ${options}`
  const passed = Number(/^# pass (\d+)/m.exec(stdout)?.[1] ?? 0)
  if (exitCode !== 0 || passed === 0) {
    // What has passed says nothing here.
    say(`${stdout.replace(/^(?:ok|# ).*\n/gm, '')}\n${stderr}`)
    throw new AdvisedError(`${title}: tests have failed.`, 'They are above.')
  }
  const duration = formatDuration((Date.now() - started) / 1000)
  say(`${mark('ok')} ${title}: ${passed} tests in ${tests.length} files, in ${duration}`)
}

await command.parseAsync()
