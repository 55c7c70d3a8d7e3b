import { Command, Option } from 'commander'
import { integer } from '../terminal/option-types.ts'

export interface Options {
  only?: string[]
  rounds?: number
  quick: boolean
  render: boolean
  anyLoad: boolean
  output?: string
}

/** The command line; `suites` are the names that `--only` takes, with what they are about. */
export function commandLine(suites: readonly { name: string; title: string }[]): Command {
  return new Command('npm run bench --')
    .description(
      'Measures this package against native code, against Node with copies, and against DuckDB, in one process: one contender ' +
        'after the other, round after round. A whole run writes bench/results/. It wants a machine that does nothing else.',
    )
    .addOption(
      new Option('--only <names...>', 'run some of the suites only').choices(
        suites.map(({ name }) => name),
      ),
    )
    .option('--rounds <number>', 'rounds that count, after one that does not', integer(1, 99))
    .option('--quick', 'tiny sizes: shows that everything runs, the figures mean nothing', false)
    .option(
      '--output <folder>',
      'write results.json, the plots and README.md there; without it a run with --only or --quick writes nothing',
    )
    .option('--any-load', 'write results although other processes keep the machine busy', false)
    .option(
      '--render',
      'measure nothing: make plots, aims and page anew from the results.json that is there',
      false,
    )
    .addHelpText(
      'after',
      `
Suites:
${suites.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

The native contenders are compiled by the C++ compiler that CXX names, by clang++ or by g++; they are left out if there is none.`,
    )
}
