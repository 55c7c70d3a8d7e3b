import { AdvisedError } from '../../terminal/advised-error.ts'
import type { MemoryValues } from '../../types/workers.d.ts'
import { type Merge, mergeResults } from '../merge.ts'

export type Values = (number | bigint)[]

/** An array of the program's memory, and what asked for it: `f64:64@histogram`. */
export interface PrintedArray {
  readonly print: string
  readonly values: Values
}

export function valuesOf(arrays: readonly MemoryValues[]): Values[] {
  return arrays.map((array) => Array.from<number | bigint>(array))
}

/**
 * Makes one array of those of all parts, element by element, for each `--print`.
 *
 * @param parts The arrays of each part.
 */
export function mergeArrays(
  prints: readonly string[],
  merge: Merge,
  parts: readonly Values[][],
): Values[] {
  const [only, ...others] = parts
  if (prints.length === 0 || only === undefined) return []
  if (others.length === 0) return only
  if (merge === 'list') throw unmerged(`${parts.length} parts`)
  return prints.map(
    (_, i) =>
      mergeResults(
        merge,
        parts.map((arrays) => arrays[i]!),
      ) as Values,
  )
}

/** The arrays of each part with `list`, else the merged ones alone. */
export function mergedParts(
  prints: readonly string[],
  merge: Merge,
  parts: readonly Values[][],
): Values[][] {
  if (prints.length === 0) return []
  return merge === 'list' ? [...parts] : [mergeArrays(prints, merge, parts)]
}

/** Arrays of several parts are no result yet. */
export function unmerged(where: string): AdvisedError {
  return new AdvisedError(
    `Arrays of ${where} are printed as one.`,
    'Say how they become one: --merge sum, min or max.',
  )
}

export function printedArrays(
  prints: readonly string[],
  values: readonly Values[],
): PrintedArray[] {
  return values.map((values, i) => ({ print: prints[i]!, values }))
}
