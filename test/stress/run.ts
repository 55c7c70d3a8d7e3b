import { Command, InvalidArgumentError, Option } from 'commander'
import { runScript } from '../support/run-script.ts'

interface Options {
  minutes: number
  seed: number
  roundSeconds: number
}

function numberFrom(least: number): (text: string) => number {
  return (text) => {
    const number = Number(text)
    if (text.trim() === '' || !(number >= least)) {
      throw new InvalidArgumentError(`It must be a number from ${least}.`)
    }
    return number
  }
}

const command = new Command('npm run test:stress --')
  .description(
    'Has instances, references, regions, feeders, memories, workers, terminations and garbage collections do what comes to mind, and compares every value with a model that knows who keeps whom. Each round is a process of its own, with a seed of its own.',
  )
  .addOption(new Option('--minutes <number>', 'for how long').argParser(numberFrom(0)).default(5))
  .addOption(
    new Option('--seed <number>', 'of the first round; the next ones count up from there')
      .argParser(numberFrom(0))
      .default(Math.floor(Math.random() * 2 ** 31), 'a random one, which is printed'),
  )
  .addOption(
    new Option('--round-seconds <number>', 'for how long one round lasts')
      .argParser(numberFrom(1))
      .default(20),
  )
  .parse()

const { minutes, seed, roundSeconds } = command.opts<Options>()
const end = Date.now() + minutes * 60_000
console.log(`seeds from ${seed}, ${minutes} minutes`)
let round = 0
let failed = 0
do {
  const roundSeed = seed + round++
  const result = await runScript(new URL('./round.ts', import.meta.url), {
    args: [String(roundSeed), String(roundSeconds * 1000)],
    timeout: roundSeconds * 1000 + 120_000,
  })
  if (result.exitCode === 0) {
    console.log(`seed ${roundSeed}: ${result.stdout.trim()}`)
  } else {
    ++failed
    console.log(`seed ${roundSeed}: FAILED with ${result.signal ?? result.exitCode}`)
    console.log(result.stderr.trim())
    console.log(`again: npm run test:stress -- --minutes 0 --seed ${roundSeed}`)
  }
} while (Date.now() < end)
console.log(`${round - failed} rounds passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
