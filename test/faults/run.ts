import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, InvalidArgumentError, Option } from 'commander'
import { BuildError } from '../../build-scripts/build-error.ts'
import { cacheRoot } from '../../build-scripts/cache.ts'
import { openContext } from '../../build-scripts/context.ts'
import { takeLock } from '../../build-scripts/exclusive.ts'
import { runCommand } from '../../build-scripts/run-command.ts'
import { formatDuration, sayStage } from '../../build-scripts/terminal.ts'
import { damageFiles } from './damage.ts'
import { killBuilds } from './kill.ts'
import { Random } from './random.ts'
import { killRealBuild } from './real.ts'
import { Tally } from './tally.ts'
import { Workbench } from './workbench.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const kinds = ['kill', 'damage'] as const
type Kind = (typeof kinds)[number]

interface Options {
  project: string
  haste: number
  real?: boolean
  reference?: string
  only?: Kind
  rounds: number
  seed: number
  thorough?: boolean
  file?: string
  cache?: string
  folder?: string
  verbose?: boolean
}

const command = new Command('npm run test:faults --')
  .description('x')
  .addOption(new Option('--only <kind>', 'one kind of fault').choices(kinds))
  .option('--rounds <number>', 'how many builds get killed', whole, 60)
  .option('--seed <number>', 'of the random numbers', whole, Math.floor(Math.random() * 2 ** 31))
  .option('--thorough', 'every kind of damage')
  .option('--file <part>', 'only damage files with this in their path')
  .option('--real', 'instead, V8 itself: a cold build with five kills')
  .option('--reference <sdk>', 'for --real: an unpacked SDK')
  // To try --real with a project that is smaller than V8.
  .addOption(new Option('--project <folder>').default(repository).argParser(resolvePath).hideHelp())
  .addOption(new Option('--haste <factor>').default(1).argParser(Number).hideHelp())
  .option('--cache <folder>', 'the cache with GN')
  .option('--folder <folder>', 'where the builds go (default: fault-test/ in the cache)')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(async (options: Options) => {
    await runCommand(options.verbose ?? false, (signal) => test(options, signal))
  })

function resolvePath(text: string): string {
  return resolve(text)
}

function whole(text: string): number {
  const number = Number(text)
  if (!Number.isInteger(number) || number < 0) {
    throw new InvalidArgumentError('It must be a whole number from 0.')
  }
  return number
}

async function test(options: Options, signal: AbortSignal): Promise<void> {
  const context = await openContext({ ...options, signal })
  const folder = resolve(options.folder ?? join(cacheRoot(options.cache), 'fault-test'))
  const lock = await takeLock(join(folder, 'test.lock'), 'test:faults', { wait: true, signal })
  const started = Date.now()
  try {
    sayStage('test:faults', `seed ${options.seed}`)
    if (options.real) {
      const reference = options.reference && resolve(options.reference)
      await killRealBuild(context, { ...options, folder, reference })
      return
    }
    const tally = new Tally()
    const bench = await Workbench.make(context, join(folder, 'small'))
    try {
      const wants = (kind: Kind) => options.only === undefined || options.only === kind
      // Each kind has numbers of its own, so that --only gives the same rounds.
      if (wants('kill')) await killBuilds(bench, new Random(options.seed), options.rounds, tally)
      if (wants('damage')) {
        const { thorough = false, file } = options
        await damageFiles(bench, new Random(options.seed + 1), { thorough, only: file }, tally)
      }
    } finally {
      await bench.remove()
    }
    tally.print('')
    if (tally.failures.length > 0) {
      throw new BuildError(
        `${tally.failures.length} rounds ended as none must.`,
        `They are listed above. --seed ${options.seed} gives the same rounds again.`,
      )
    }
    sayStage('test:faults', `passed in ${formatDuration((Date.now() - started) / 1000)}`)
  } finally {
    lock.release()
  }
}

await command.parseAsync()
