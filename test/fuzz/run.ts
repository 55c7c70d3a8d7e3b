import { Argument, Command, InvalidArgumentError, Option } from 'commander'
import { endTools } from '../../build-scripts/shared/shell.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { buildSanitizedAddon } from '../sanitize/addon.ts'
import { numberFrom, seedOption } from '../support/random-work-options.ts'
import { runTest } from '../support/run-test.ts'
import { kinds } from './kinds.ts'
import { countSeen } from './modules/plant.ts'

interface Options {
  minutes: number
  seed: number
  roundSeconds: number
  only: RegExp
  plant?: true
  variant?: string
}

function expression(text: string): RegExp {
  try {
    return new RegExp(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
}

const anySetting = /(?:)/

const command = new Command('npm run test:fuzz --')
  .description(
    'Looks for faults with random work. Each round runs in processes of its own, with a seed of its own. A case of modules, bytes or cpp that fails is made small and kept in test/fuzz/corpus/.',
  )
  .addArgument(
    new Argument('[kinds...]', 'what to do, in turn (default: all)').choices(Object.keys(kinds)),
  )
  .addOption(
    new Option('--minutes <number>', 'for how long, together; 0: one round of each kind')
      .argParser(numberFrom(0))
      .default(5),
  )
  .addOption(seedOption('of the first round; the next ones count up from there'))
  .addOption(
    new Option('--round-seconds <number>', 'for how long one round lasts')
      .argParser(numberFrom(1))
      .default(20),
  )
  .addOption(
    new Option('--only <regex>', 'modules, binaryen: only backends and tiers that match')
      .argParser(expression)
      .default(anySetting, 'all, such as patched/turboshaft'),
  )
  .option(
    '--variant <name>',
    'asan or debug: with that V8, which "npm run v8 -- all --variant" makes, and a sanitized addon',
  )
  .option('--plant', 'modules: attach one byte too many, and count the programs that notice')
  .addHelpText(
    'after',
    `\nKinds:\n${Object.entries(kinds)
      .map(([name, { description }]) => `  ${name.padEnd(9)} ${description}`)
      .join('\n')}`,
  )
  .action(async (named: string[], options: Options) => {
    await runTest(false, async (signal) => {
      signal.addEventListener('abort', endTools)
      if (options.plant) return await plant()
      const passed = await fuzz(choose(named, options.only), options, signal)
      process.exitCode = passed ? 0 : 1
    })
  })

/**
 * The kinds that were named, or all that have something that matches.
 *
 * @throws {AdvisedError} if a kind that was named has nothing, or none has.
 */
function choose(named: readonly string[], only: RegExp): readonly string[] {
  const wanted = named.length > 0 ? named : Object.keys(kinds)
  const settingsOf = (name: string) => kinds[name]!.settings
  const idle = wanted.filter((name) => settingsOf(name)?.every((setting) => !only.test(setting)))
  const left = wanted.filter((name) => !idle.includes(name))
  if (idle.length === 0 || (named.length === 0 && left.some(settingsOf))) return left
  throw new AdvisedError(
    `No backend and tier of ${idle[0]} matches --only ${only.source}.`,
    `Choose from ${settingsOf(idle[0]!)!.join(', ')}.`,
  )
}

async function plant(): Promise<void> {
  for (const backend of ['patched', 'node-raw', 'node-rewire'] as const) {
    const { cases, seen } = await countSeen(backend, 200)
    console.log(`${backend}: ${seen} of ${cases} programs notice that regions are too large`)
  }
}

/** @returns whether all rounds passed. */
async function fuzz(
  names: readonly string[],
  { minutes, seed, roundSeconds, only, variant }: Options,
  signal: AbortSignal,
): Promise<boolean> {
  const begin = Date.now()
  const end = begin + minutes * 60_000
  console.log(`${names.join(', ')}: seeds from ${seed}, ${minutes} minutes`)
  for (const name of names) await kinds[name]!.prepare?.(variant)
  if (variant !== undefined) {
    const { environment } = await buildSanitizedAddon((text) => process.stdout.write(text), variant)
    Object.assign(process.env, environment)
  }
  let rounds = 0
  let failed = 0
  for (let roundSeed = seed; rounds === 0 || Date.now() < end; ++roundSeed) {
    for (const name of names) {
      const round = { milliseconds: Math.round(roundSeconds * 1000), only, signal }
      const { summary, failure } = await kinds[name]!.round(roundSeed, round)
      signal.throwIfAborted()
      ++rounds
      const seconds = Math.round((Date.now() - begin) / 1000)
      console.log(`${seconds} s: ${name}, seed ${roundSeed}: ${summary}`)
      if (failure === undefined) continue
      ++failed
      console.log(failure)
      const again = [name, '--minutes 0', `--seed ${roundSeed}`, `--round-seconds ${roundSeconds}`]
      if (only !== anySetting) again.push(`--only '${only.source}'`)
      if (variant !== undefined) again.push(`--variant ${variant}`)
      console.log(`again: npm run test:fuzz -- ${again.join(' ')}`)
    }
  }
  console.log(`${rounds - failed} rounds passed, ${failed} failed`)
  return failed === 0
}

await command.parseAsync()
