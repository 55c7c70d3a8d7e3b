// Tables in files, as programs see them: columns of numbers in windows, a batch of rows at a time.

import { AdvisedError } from '../../terminal/advised-error.ts'
import type { HostRegion, HostRegionConstructor } from '../../types/host-region.d.ts'
import type { MemoryArrayType } from '../../types/workers.d.ts'
import type { Column } from './column-option.ts'

/**
 * What becomes of nulls. Of a null there are bytes among the values, and they mean nothing.
 *
 * - `refuse`: a column with nulls is an error.
 * - `bitmap`: behind each column's window is one with its validity bitmap: bit i % 8 of byte i / 8
 *   is 1 where row i of the batch has a value.
 * - `zero`: nulls are zeros.
 */
export const nullsChoices = ['refuse', 'bitmap', 'zero'] as const

export type Nulls = (typeof nullsChoices)[number]

/** Rows that lie together. */
export interface Batch {
  readonly index: number
  /** For each window. */
  readonly regions: readonly HostRegion[]
  close(): void
}

export interface Table {
  readonly rows: number
  /** What a batch is called, what several are, and how many there are. */
  readonly batchNames: readonly [one: string, several: string]
  readonly batchCount: number
  /** Of all that programs see. */
  readonly byteLength: number
  /** In the order of the options. */
  readonly columns: readonly { readonly name: string; readonly type: MemoryArrayType }[]
  /** In the order of the file. The caller closes each. */
  batches(): AsyncGenerator<Batch, void>
  close(): void
}

/** How a table is to be opened. */
export interface TableOptions {
  readonly columns: readonly Column[]
  readonly nulls: Nulls
  readonly HostRegion: HostRegionConstructor
}

/** Bytes of a number of the type. */
export function widthOf(type: MemoryArrayType): number {
  return Number(type.slice(1)) / 8
}

export function bitmapBytes(rows: number): number {
  return Math.ceil(rows / 8)
}

export function noColumn(path: string, name: string, there: readonly string[]): AdvisedError {
  return new AdvisedError(
    `${path} has no column ${name}.`,
    `Its columns are: ${there.join(', ') || 'none'}.`,
  )
}

export function noNumbers(name: string, type: string): AdvisedError {
  return new AdvisedError(
    `Column ${name} has the type ${type}, which no window can show.`,
    'Choose a column of integers, floating point numbers of 32 or 64 bits, dates, times or timestamps.',
  )
}

/** Nulls that the program would take for values. */
export function unexpectedNulls(name: string, nulls: number, where: string): AdvisedError {
  return new AdvisedError(
    `Column ${name} has nulls: ${nulls} in ${where}.`,
    'Give --nulls bitmap for a program that reads the validity bitmap in the window behind the column, or --nulls zero to make them zeros.',
  )
}

/** The program takes a column for what it is. */
export function checkType({ name, type: wanted }: Column, type: MemoryArrayType): void {
  if (wanted === undefined || wanted === type) return
  throw new AdvisedError(
    `Column ${name} has the type ${type}, and not ${wanted}.`,
    `Write a program for it, and give --column ${name}:${type}.`,
  )
}
