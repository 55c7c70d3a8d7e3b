// What is said of a run when it has ended.

import { formatByteSize } from '../terminal/byte-size.ts'
import type { ExportResult } from '../types/workers.d.ts'
import type { PrintedArray } from './arrays/printed-array.ts'
import { plain, text } from './format-result.ts'
import type { RunOptions } from './run-options.ts'
import type { Table } from './table/table.ts'

export function formatSpeed(bytes: number, seconds: number): string {
  const speed = bytes / Math.max(seconds, 1e-9)
  return speed < 1e8 ? `${(speed / 1e6).toFixed(2)} MB/s` : `${(speed / 1e9).toFixed(2)} GB/s`
}

type ShownTable = Pick<Table, 'rows' | 'batchNames' | 'batchCount' | 'columns'>

export interface Summary {
  readonly byteLength: number
  readonly windows: number
  readonly workers: number
  readonly seconds: number
  /** If columns of one were shown. */
  readonly table?: ShownTable | undefined
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

/** Columns with their types, so that it can be seen what the program took them for. */
function aboutTable({ rows, batchNames: [one, several], batchCount, columns }: ShownTable): string {
  const named = columns.map(({ name, type }) => `${name}: ${type}`).join(', ')
  return `${named}; ${rows} rows in ${batchCount} ${batchCount === 1 ? one : several}`
}

export function throughput({ byteLength, windows, workers, seconds, table }: Summary): string {
  // Programs that choose for themselves what they see have none to count.
  const of = [...(windows > 0 ? [count(windows, 'window')] : []), count(workers, 'worker')].join(
    ', ',
  )
  const about = table === undefined ? '' : `${aboutTable(table)}\n`
  return `${about}${formatByteSize(byteLength)} in ${seconds.toFixed(2)} s, ${formatSpeed(byteLength, seconds)} (${of})`
}

function asJson(
  result: object,
  { byteLength, windows, workers, seconds, table }: Summary,
  arrays: readonly PrintedArray[],
): string {
  const all = { ...result, ...(arrays.length > 0 && { arrays }) }
  const about = table && {
    columns: table.columns.map(({ name, type }) => ({ name, type })),
    rows: table.rows,
    batches: table.batchCount,
  }
  return JSON.stringify(
    { ...all, ...about, bytes: byteLength, windows, workers, seconds },
    plain,
    2,
  )
}

/** A line for each array. */
export function printArrays(arrays: readonly PrintedArray[]): void {
  for (const { values } of arrays) console.log(text(values))
}

/** Results and arrays go to stdout, all else to stderr. */
export function tellResult(
  results: readonly ExportResult[],
  arrays: readonly PrintedArray[],
  summary: Summary,
  { json, merge }: RunOptions,
): void {
  if (json) {
    const result = merge === 'list' ? results : results[0]
    console.log(asJson({ result }, summary, arrays))
    return
  }
  for (const line of results) if (line !== undefined) console.log(text(line))
  printArrays(arrays)
  console.error(throughput(summary))
}

/** The system keeps eight bits of an exit code, and a failure must not become 0. */
function exitStatus(code: number): number {
  return code & 255 || (code === 0 ? 0 : 1)
}

/** The output of the program has gone to stdout already. */
export function tellEnd(
  exitCodes: number[],
  arrays: readonly PrintedArray[],
  summary: Summary,
  { json }: RunOptions,
): void {
  const exitCode = Math.max(...exitCodes.map(exitStatus))
  if (!json) printArrays(arrays)
  console.error(json ? asJson({ exitCode }, summary, arrays) : throughput(summary))
  process.exitCode = exitCode
}
