import type { Expression } from './expression.ts'

/** SELECT count(*), sum(value), min(value), max(value) WHERE filter. */
export interface Query {
  readonly filter: Expression
  readonly value: Expression
}

/** What a query gives. Exact; `min` and `max` are of no meaning where `count` is 0. */
export interface Aggregate {
  readonly count: bigint
  readonly sum: bigint
  readonly min: number
  readonly max: number
}

/** Begin of `min` and `max`, before the first row. */
export const noMin = 2 ** 31 - 1
export const noMax = -(2 ** 31)
