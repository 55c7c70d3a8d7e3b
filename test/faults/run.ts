import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Command, Option } from 'commander'
import { cacheRoot, openContext } from '../../build-scripts/shared/context.ts'
import { takeLock } from '../../build-scripts/shared/lock.ts'
import { formatDuration, say, sayStage } from '../../build-scripts/shared/terminal.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { integer } from '../../terminal/option-types.ts'
import { Random } from '../support/random.ts'
import { runTest } from '../support/run-test.ts'
import { moveClock } from './clock.ts'
import { damageFiles } from './damage.ts'
import { fillDisks } from './full-disk.ts'
import { killBuilds } from './kill.ts'
import { killRolls } from './kill-rolls.ts'
import { whyNoMounts } from './mounts.ts'
import { forbidWriting } from './read-only.ts'
import { killRealBuild } from './real.ts'
import { takeShortcuts } from './shortcuts.ts'
import { Tally } from './tally.ts'
import { buildTogether } from './together.ts'
import { Workbench } from './workbench.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))
const kinds = [
  'kill',
  'damage',
  'full-disk',
  'read-only',
  'clock',
  'together',
  'shortcuts',
  'roll',
] as const
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
  .description(
    'Does to builds what life does to them, and sees that each ends in the right artifact or in a clear error. A small project goes through all stages with the real tools: from archives through git, GN, ninja and clang to an SDK and addons. docs/build-faults.md tells what is promised.',
  )
  .addOption(new Option('--only <kind>', 'one kind of fault').choices(kinds))
  .option('--rounds <number>', 'how many builds get killed', integer(1, 1e6), 54)
  .addOption(
    new Option('--seed <number>', 'decides the random numbers; the same seed gives the same rounds')
      .argParser(integer(0, 2 ** 31))
      .default(Math.floor(Math.random() * 2 ** 31), 'a random one, which is printed'),
  )
  .option('--thorough', 'damage each file in four ways instead of two')
  .addOption(
    new Option('--file <part>', 'damage files, only those that have this in their path').implies({
      only: 'damage',
    }),
  )
  .option(
    '--real',
    'instead, V8 itself: a cold build with five kills on the way, compared with a reference. Takes as long as a cold build and 6 GB of disk; the same command goes on after an interruption. The folder is kept',
  )
  .option(
    '--reference <sdk>',
    'for --real: an unpacked SDK of the same commit (default: the one in the cache that prebuilds/ was made against)',
  )
  // To try --real with a project that is smaller than V8.
  .addOption(new Option('--project <folder>').default(repository).argParser(resolvePath).hideHelp())
  .addOption(new Option('--haste <factor>').default(1).argParser(Number).hideHelp())
  .option(
    '--cache <folder>',
    'the cache with GN, which is built when it is not there; for --real, with the archives',
  )
  .option('--folder <folder>', 'where the builds go (default: fault-test/ in the cache)')
  .option('--verbose', 'show where in the scripts an error arose')
  .action(async (options: Options) => {
    await runTest(options.verbose, (signal) => test(options, signal))
  })

function resolvePath(text: string): string {
  return resolve(text)
}

async function test(options: Options, signal: AbortSignal): Promise<void> {
  if (options.file !== undefined && options.only !== 'damage') {
    throw new AdvisedError(
      `--only ${options.only} damages no files.`,
      'Leave out --file, or take --only damage.',
    )
  }
  const context = await openContext(options)
  const folder = resolve(options.folder ?? join(cacheRoot(options.cache), 'fault-test'))
  const lock = await takeLock(join(folder, 'test.lock'), 'test:faults', { wait: true })
  const started = Date.now()
  try {
    sayStage('test:faults', `seed ${options.seed}`)
    if (options.real) {
      const reference = options.reference && resolve(options.reference)
      await killRealBuild(context, { ...options, folder, reference }, signal)
      return
    }
    const tally = new Tally()
    const bench = await Workbench.make(context, join(folder, 'small'), signal)
    try {
      const wants = (kind: Kind) => options.only === undefined || options.only === kind
      // Each kind has numbers of its own, so that --only gives the same rounds.
      if (wants('kill')) await killBuilds(bench, new Random(options.seed), options.rounds, tally)
      if (wants('damage')) {
        const { thorough = false, file } = options
        await damageFiles(bench, new Random(options.seed + 1), { thorough, only: file }, tally)
      }
      if (wants('full-disk') || wants('read-only')) {
        const why = await whyNoMounts(join(folder, 'mount'))
        if (why && options.only) {
          throw new AdvisedError(`Nothing can be mounted here: ${why}`, 'Run it as root.')
        }
        if (why) {
          say(`full-disk, read-only: left out, for nothing can be mounted here (root can): ${why}`)
        } else {
          if (wants('full-disk')) await fillDisks(bench, new Random(options.seed + 2), tally)
          if (wants('read-only')) await forbidWriting(bench, tally)
        }
      }
      if (wants('clock')) await moveClock(bench, tally)
      if (wants('together')) await buildTogether(bench, new Random(options.seed + 3), tally)
      if (wants('shortcuts')) await takeShortcuts(bench, tally)
      if (wants('roll')) await killRolls(signal, tally)
    } finally {
      await bench.remove()
    }
    tally.print('')
    if (tally.failures.length > 0) {
      throw new AdvisedError(
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
