import { Command, Option } from 'commander'
import { type BackendName, backends } from 'v8-rawmem'
import { byteSize, integer } from '../../terminal/option-types.ts'
import { windowSize } from '../shared/option-types.ts'
import { flightSchema } from './columns.ts'

const GiB = 2 ** 30

/** What the command line says; sizes in bytes. */
export interface Options {
  size?: number
  window: number
  where: string
  value: string
  runs: number
  backend?: BackendName
}

export const program = new Command('npm start --')
  .description(
    'Reads three million flights, repeats them in host memory until several gigabytes are full, compiles a query to ' +
      'WebAssembly, and runs it over that memory window by window: when the WebAssembly code is through with a window, ' +
      'it calls an import, and finds the next one at address 0. No byte is copied. The result is checked against the ' +
      'same query in plain JavaScript.',
  )
  .option(
    '--size <bytes>',
    'host memory to fill, such as 8GiB (default: 40 % of the memory available, at most 5GiB)',
    byteSize,
  )
  .addOption(
    new Option('--window <bytes>', 'the most that WebAssembly sees at a time, up to 4GiB')
      .argParser(windowSize)
      .default(GiB, '1GiB'),
  )
  .option('--where <condition>', 'which flights count', 'distance > 1000 and delay > 15')
  .option('--value <expression>', 'what is summed up over them', 'delay')
  .option('--runs <number>', 'times to run the query', integer(1, 1000), 3)
  .addOption(
    new Option(
      '--backend <name>',
      'what runs the WebAssembly (default: what V8_RAWMEM_BACKEND says, otherwise the first one available)',
    ).choices(backends().map(({ name }) => name)),
  )
  .addHelpText(
    'after',
    `
Columns:
${[...flightSchema].map(([name, { description }]) => `  ${name.padEnd(12)} ${description}`).join('\n')}

Expressions know integers, 'texts', + - *, < <= > >= = !=, and, or, ! and parentheses. Numbers are 32-bit integers.
`,
  )
