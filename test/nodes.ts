// Runs the tests of the binding under stock Node releases. One prebuilt addon has to serve them
// all.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { Command } from 'commander'
import { collectOutcomes, type Outcomes } from './backends/collect-outcomes.ts'
import { writeTable } from './backends/table.ts'
import { nodeCache, provideNode } from './support/provide-node.ts'

const project = dirname(dirname(fileURLToPath(import.meta.url)))
const ava = join(project, 'node_modules', 'ava', 'entrypoints', 'cli.mjs')
const releases = ['20', '22', '24', '26']
const testFiles = [
  'test/api/**/*.test.ts',
  'test/attached-memory/{attach,borrowed-buffers,instance,large-windows,memory}.test.ts',
  'test/backends/**/*.test.ts',
  'test/debugging/**/*.test.ts',
  'test/feeder/**/*.test.ts',
  'test/guests/**/*.test.ts',
  'test/limits/**/*.test.ts',
  'test/region/**/*.test.ts',
  'test/wasi/**/*.test.ts',
  'test/workers/**/*.test.ts',
]

interface Output {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<Output> {
  const child = spawn(command, args, { cwd: project, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const [stdout, stderr, [exitCode]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { exitCode, stdout, stderr }
}

interface Result {
  readonly node: string
  readonly addonApi: string
  readonly passed: number
  readonly failed: number
  readonly seconds: number
  readonly ok: boolean
}

async function testUnder(node: string, files: readonly string[]): Promise<Result> {
  // Tools that tests start find this Node first.
  const env = {
    ...process.env,
    PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    NODE_OPTIONS: '',
  }
  const about = await run(node, ['-p', '[process.version, process.versions.napi].join()'], env)
  const [version = '?', addonApi = '?'] = about.stdout.trim().split(',')
  const started = performance.now()
  const { exitCode, stdout, stderr } = await run(node, [ava, '--tap', ...files], env)
  const count = (what: string) =>
    Number(new RegExp(`^# ${what} (\\d+)`, 'm').exec(stdout)?.[1] ?? 0)
  if (exitCode !== 0) {
    // The passed ones say nothing here.
    console.error(`node ${version}:\n${stdout.replace(/^(?:ok|# ).*\n/gm, '')}\n${stderr}`)
  }
  return {
    node: version,
    addonApi,
    passed: count('pass'),
    failed: count('fail'),
    seconds: Math.round((performance.now() - started) / 1000),
    ok: exitCode === 0,
  }
}

const program = new Command('npm run test:nodes --')
  .description(
    `Runs the tests of the binding under stock Node releases, which are installed from npm on first use.`,
  )
  .argument('[releases...]', 'major versions, or exact ones', releases)
  .option('--cache <folder>', 'where to keep the releases', nodeCache)
  .option('--files <pattern...>', 'which tests', testFiles)
  .option(
    '--table',
    'instead, try every feature of every backend and write the table into docs/backends.md',
  )
  .showHelpAfterError()
  .parse()

const { cache, files, table } = program.opts<{ cache: string; files: string[]; table?: true }>()
if (table) {
  const findings = new Map<string, Outcomes>()
  for (const release of program.processedArgs[0] as string[]) {
    const node = await provideNode(release, cache)
    const { stdout } = await run(node, ['-p', 'process.version'], process.env)
    console.error(`node ${release}: trying the backends`)
    findings.set(stdout.trim(), await collectOutcomes(node))
  }
  writeTable(findings)
  process.exit()
}

const results: Result[] = []
for (const release of program.processedArgs[0] as string[]) {
  const node = await provideNode(release, cache)
  console.error(`node ${release}: running the tests`)
  results.push(await testUnder(node, files))
}

const rows = [
  ['Node', 'Node-API', 'passed', 'failed', 'seconds', ''],
  ...results.map(({ node, addonApi, passed, failed, seconds, ok }) => [
    node,
    addonApi,
    String(passed),
    String(failed),
    String(seconds),
    ok ? 'ok' : 'FAILED',
  ]),
]
const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
for (const row of rows) {
  console.log(
    row
      .map((cell, column) => cell.padEnd(widths?.[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
if (results.some(({ ok }) => !ok)) process.exitCode = 1
