import { AdvisedError } from '../terminal/advised-error.ts'
import type { ExportResult } from '../types/workers.d.ts'

type Value = number | bigint

/** How the results of several parts become one. */
export const merges = ['list', 'sum', 'min', 'max'] as const

export type Merge = (typeof merges)[number]

const combine: Record<Exclude<Merge, 'list'>, (a: Value, b: Value) => Value> = {
  // Both come from the same export, so they have the same type.
  sum: (a, b) => (a as number) + (b as number),
  // NaN wins, as in Math.min and Math.max, whatever the order.
  min: (a, b) => (b < a || Number.isNaN(b) ? b : a),
  max: (a, b) => (b > a || Number.isNaN(b) ? b : a),
}

/** Several results of one call are merged one by one. */
export function mergeResults(merge: Exclude<Merge, 'list'>, results: ExportResult[]): ExportResult {
  return results.reduce((merged, result) => {
    if (Array.isArray(merged) && Array.isArray(result)) {
      return merged.map((value, i) => combine[merge](value, result[i]!))
    }
    if (merged === undefined || result === undefined) {
      throw new AdvisedError(
        `The export returns nothing that --merge ${merge} could work on.`,
        'Leave out --merge.',
      )
    }
    return combine[merge](merged as Value, result as Value)
  })
}

/**
 * The results to tell: all of them with `list`, else the merged one.
 *
 * @param hasArrays Whether there are arrays to merge, so that a program needs no results.
 */
export function mergedResults(
  merge: Merge,
  results: ExportResult[],
  hasArrays: boolean,
): ExportResult[] {
  if (merge === 'list') return results
  if (hasArrays && results.every((result) => result === undefined)) return [undefined]
  return [mergeResults(merge, results)]
}
