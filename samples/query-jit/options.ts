import { Command, InvalidArgumentError } from 'commander'
import { integer } from '../../terminal/option-types.ts'
import { sales } from './sales.ts'

/** What the command line says. */
export interface Options {
  scaleFactor: number
  queries: number
  rows: number
  seed: number
  where?: string
  value: string
  cache?: string
}

function scaleFactor(text: string): number {
  const factor = Number(text)
  if (text.trim() === '' || !(factor >= 0 && factor <= 1000)) {
    throw new InvalidArgumentError('Allowed is a number from 0 to 1000.')
  }
  return factor
}

const columns = [...sales.columns].map(([name, { type, storage }]) => {
  const kind = type.kind === 'number' && type.scale > 0 ? 'decimal' : type.kind
  const detail = type.kind === 'text' ? `: ${type.values.join(', ')}` : ` (${storage})`
  return `  ${name.padEnd(10)} ${kind}${detail}`
})

export const program = new Command('npm run sample query-jit --')
  .description(
    'Programs that arrive all the time: thousands of queries, each compiled to a WebAssembly module, attached to columns that ' +
      'the host holds, run and thrown away; then all of them again in a new process, with code from a cache. Prints how ' +
      'long each step takes. Before that, queries 1 and 6 of TPC-H. All results are checked against DuckDB.',
  )
  .option(
    '--scale-factor <number>',
    'size of lineitem for TPC-H; 1 is six million rows in 96 MB; 0 leaves TPC-H out',
    scaleFactor,
    1,
  )
  .option('--queries <number>', 'how many queries to make up', integer(0, 1_000_000), 1000)
  .option('--rows <number>', 'rows of the table they run on', integer(1, 100_000_000), 131_072)
  .option('--seed <number>', 'which queries', integer(0, 2 ** 31 - 1), 1)
  .option('--where <condition>', 'a query of your own; run before the others')
  .option('--value <expression>', 'what it sums up', 'price * pieces')
  .option('--cache <folder>', 'where to keep compiled code (default: a folder that is removed)')
  .addHelpText(
    'after',
    `
Columns of the table sales:
${columns.join('\n')}

Expressions know numbers, 'texts', '2015-12-31', + - * /, < <= > >= = <>, and, or, ! and parentheses.
`,
  )
