import { Command, Option } from 'commander'
import { integer } from '../../terminal/option-types.ts'
import { describeEnd } from '../fuzz/kind.ts'
import { numberFrom, seedOption } from '../support/random-work-options.ts'
import { runTest } from '../support/run-test.ts'
import { soak } from './soak.ts'

interface Options {
  minutes: number
  seed: number
  plant: number
}

await new Command('npm run test:soak --')
  .description(
    'Has one process do random work for long: pools, workers that are ended, instances, regions, feeders, host windows, calls under limits. At the end its memory, descriptors, maps and threads must be flat. Prints one line of JSON.',
  )
  .addOption(new Option('--minutes <number>').argParser(numberFrom(0.1)).default(60))
  .addOption(seedOption('of all that is random'))
  .addOption(
    new Option('--plant <rounds>', 'leak a region of 1 MiB each so many rounds, which must show')
      .argParser(integer(1, 2 ** 32 - 1))
      .default(0, 'none'),
  )
  .action(async ({ minutes, seed, plant }: Options) => {
    await runTest(false, async (signal) => {
      const { report, result } = await soak({
        seed,
        milliseconds: Math.round(minutes * 60_000),
        plantEvery: plant,
        showProgress: true,
        signal,
      })
      // Its errors have been shown as they came.
      const end = describeEnd({ ...result, stderr: '' })
      console.log(report === undefined ? `the soak ended with ${end}` : result.stdout.trim())
      process.exitCode = report?.isFlat ? 0 : 1
    })
  })
  .parseAsync()
