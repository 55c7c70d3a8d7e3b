import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { readRelease } from '../../build-scripts/release/release-manifest.ts'
import { formatDuration, mark, say, sayStage } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { nodeCache, provideFromNpm, provideNode } from '../support/provide-node.ts'
import { runTest } from '../support/run-test.ts'
import { publishDependencies, startRegistry, writeNpmrc } from './registry.ts'
import type { Scenario, Setting } from './scenario.ts'
import { installing } from './scenarios/installing.ts'
import { mirrors } from './scenarios/mirrors.ts'
import { nodeReleases, nodes, oldNode } from './scenarios/nodes.ts'
import { packageManagers } from './scenarios/package-managers.ts'
import { platforms } from './scenarios/platforms.ts'
import { publishing, publishingAgain, release } from './scenarios/publishing.ts'
import { sdks } from './scenarios/sdks.ts'
import { systems } from './scenarios/systems.ts'
import { typescript } from './scenarios/typescript.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const scenarios = [
  ...publishingAgain,
  ...installing,
  ...mirrors,
  ...platforms,
  ...sdks,
  ...nodes,
  ...typescript,
  ...packageManagers,
  ...systems,
]

interface Options {
  only?: string
  list?: boolean
  folder?: string
  cache: string
  verbose?: boolean
}

const command = new Command('npm run test:publish --')
  .description(
    'Makes a release of what lies here, publishes it to a registry on the loopback interface, installs it into empty projects in every way that people do, and runs a WebAssembly program each time.',
  )
  .option('--only <words>', 'the scenarios that have these words in their names')
  .option('--list', 'print the names of the scenarios and do nothing')
  .option('--folder <folder>', 'where everything goes; kept (default: a temporary one, removed)')
  .option('--cache <folder>', 'where to keep releases of Node and package managers', nodeCache)
  .option('--verbose', 'show where in the scripts an error arose')
  .showHelpAfterError()
  .action(async (options: Options) => {
    await runTest(options.verbose, (signal) => test(options, signal))
  })

async function test(options: Options, signal: AbortSignal): Promise<void> {
  const chosen = scenarios.filter(({ name }) =>
    name.toLowerCase().includes((options.only ?? '').toLowerCase()),
  )
  if (options.list) {
    for (const { name } of [...publishing, ...chosen]) say(name)
    return
  }
  if (chosen.length === 0) {
    throw new AdvisedError(`No scenario has "${options.only}" in its name.`, 'See --list.')
  }
  const started = Date.now()
  const folder = options.folder
    ? resolve(options.folder)
    : await mkdtemp(join(tmpdir(), 'v8-rawmem-publish-'))
  try {
    const failed = await testIn(folder, chosen, options, signal)
    const total = publishing.length + chosen.length
    const duration = formatDuration((Date.now() - started) / 1000)
    sayStage(
      'test:publish',
      `${total - failed.length} of ${total} scenarios passed, after ${duration}`,
    )
    if (failed.length > 0) {
      throw new AdvisedError(
        `What failed:\n  ${failed.join('\n  ')}`,
        'What they say is above. --only runs one of them, --folder keeps its project.',
      )
    }
  } finally {
    if (!options.folder) await rm(folder, { recursive: true, force: true })
  }
}

/** Returns the names of the scenarios that failed. */
async function testIn(
  folder: string,
  chosen: readonly Scenario[],
  { cache }: Options,
  signal: AbortSignal,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) {
    throw new AdvisedError(
      `${folder} has files in it; the test begins with an empty folder.`,
      'Remove it, or name another one with --folder.',
    )
  }
  const executables = new Map<string, string>()
  for (const name of [...nodeReleases, oldNode]) {
    executables.set(name, await provideNode(name, cache))
  }
  const registry = await startRegistry(join(folder, 'registry'))
  try {
    const count = await publishDependencies(registry, repository, join(folder, 'dependencies'))
    sayStage('test:publish', `a registry on the loopback interface, with ${count} dependencies`)
    const setting: Setting = {
      repository,
      folder,
      registry,
      release: join(folder, 'release'),
      version: await makeRelease(folder, signal),
      nodes: executables,
      tool: async (spec) => {
        const place = join(cache, spec.replace('/', '-'))
        await provideFromNpm(spec, place)
        return join(place, 'node_modules', spec.slice(0, spec.lastIndexOf('@')))
      },
      signal,
    }
    const failed: string[] = []
    for (const scenario of [...publishing, ...chosen]) {
      if (!(await runScenario(scenario, setting))) failed.push(scenario.name)
      // What is not published cannot be installed.
      if (failed.length > 0 && publishing.includes(scenario)) break
    }
    return failed
  } finally {
    await registry.close()
  }
}

async function makeRelease(folder: string, signal: AbortSignal): Promise<string> {
  const npmrc = join(folder, 'npmrc')
  await writeNpmrc(npmrc, { url: 'http://127.0.0.1:9/', token: '' }, false)
  const place = join(folder, 'release')
  const { exitCode, output } = await release(
    { repository, folder, signal },
    ['--snapshot', '--folder', place],
    npmrc,
  )
  if (exitCode !== 0) throw new AdvisedError(`There is no release:\n${output.trim()}`, '')
  say(output.trim())
  return (await readRelease(place)).version
}

async function runScenario(scenario: Scenario, setting: Setting): Promise<boolean> {
  const started = Date.now()
  const tell = (state: 'ok' | 'missing', more?: string) => {
    const seconds = ((Date.now() - started) / 1000).toFixed(1).padStart(6)
    say(`${mark(state)} ${seconds} s  ${scenario.name}${more ? ` (${more})` : ''}`)
  }
  try {
    tell('ok', await scenario.run(setting))
    return true
  } catch (error) {
    setting.signal.throwIfAborted()
    tell('missing')
    say(String(error instanceof Error ? error.message : error).replaceAll(/^/gm, '          '))
    return false
  }
}

await command.parseAsync()
