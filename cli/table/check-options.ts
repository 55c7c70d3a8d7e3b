import { hostWindows } from '../../bindings/feeder/window-addresses.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import type { RunOptions } from '../run-options.ts'

/** What has no meaning for columns of a table. */
const others: [string, (options: RunOptions) => boolean, string][] = [
  ['--record-bytes', ({ recordBytes }) => recordBytes !== undefined, 'parts are its batches'],
  ['--delimiter', ({ delimiter }) => delimiter !== undefined, 'parts are its batches'],
  ['--part', ({ part }) => part !== undefined, 'give each task a file of its own'],
  ['--writable', ({ writable }) => writable, 'a table is not written to'],
  [
    '--cpu-profile',
    ({ cpuProfile }) => cpuProfile !== undefined,
    'there would be one for each batch',
  ],
]

/** Checks options that are given with `--column`, and `--nulls` without one. */
export function checkTableOptions(options: RunOptions): void {
  const { map, column, nulls } = options
  if (column.length === 0) {
    if (nulls === 'refuse') return
    throw new AdvisedError(
      '--nulls is for columns.',
      'Name one with --column, or leave out --nulls.',
    )
  }
  if (map.length !== 1) {
    throw new AdvisedError(
      `--column is for one table, and there are ${map.length} files to --map.`,
      'Give --map once, and --column for each column of it.',
    )
  }
  for (const [name, isGiven, why] of others) {
    if (!isGiven(options)) continue
    throw new AdvisedError(`${name} does not go with --column: ${why}.`, `Leave out ${name}.`)
  }
  const windows = column.length * (nulls === 'bitmap' ? 2 : 1)
  if (windows > hostWindows) {
    throw new AdvisedError(
      `The columns take ${windows} windows${nulls === 'bitmap' ? ' with their bitmaps' : ''}, and there are ${hostWindows}.`,
      'Name fewer columns.',
    )
  }
}
