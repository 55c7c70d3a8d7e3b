import { readFileSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A table of comma-separated fields. */
export interface Table {
  readonly columns: readonly string[]
  /** All lines but the first; each ends with a newline. */
  readonly lines: Buffer
}

/** Daily prices and volumes of the S&P 500 index from 2000 on, 5,105 lines, from the package vega-datasets. */
export function sp500(): Table {
  // The package exports its index only; the data lies beside the folder of that.
  const index = createRequire(import.meta.url).resolve('vega-datasets')
  const bytes = readFileSync(join(dirname(index), '..', 'data', 'sp500-2000.csv'))
  const { columns, byteLength } = readHeader(bytes)
  // The last line of the file has no newline.
  return { columns, lines: Buffer.concat([bytes.subarray(byteLength), Buffer.from('\n')]) }
}

/** The names in the first line of a table, and the length of that line with its newline. */
export function readHeader(bytes: Buffer): { columns: string[]; byteLength: number } {
  const newline = bytes.indexOf('\n')
  const byteLength = newline === -1 ? bytes.length : newline + 1
  return { columns: bytes.toString('utf8', 0, byteLength).trimEnd().split(','), byteLength }
}

/** What the kernel sum-column.wat returns. */
export interface ColumnSum {
  readonly lines: bigint
  readonly sum: bigint
  /** Lines that have no integer in the column. */
  readonly others: bigint
}

/** What the kernel's `run` returned. */
export function columnSum([lines, sum, others]: [bigint, bigint, bigint]): ColumnSum {
  return { lines, sum, others }
}

/** The same in plain JavaScript. The text may come in parts, cut anywhere. */
export function sumInJavaScript(parts: Iterable<string>, column: number): ColumnSum {
  let lines = 0
  let sum = 0n
  let others = 0
  const add = (line: string) => {
    const field = line.split(',', column + 1)[column]?.replaceAll('\r', '')
    lines++
    if (field !== undefined && /^-?\d{1,18}$/.test(field)) sum += BigInt(field)
    else others++
  }
  let rest = ''
  for (const part of parts) {
    const split = (rest + part).split('\n')
    rest = split.pop()!
    split.forEach(add)
  }
  if (rest !== '') add(rest)
  return { lines: BigInt(lines), sum, others: BigInt(others) }
}

/**
 * The text of an open file from `begin` to `end`, in parts.
 *
 * @param onBytes Called with the number of bytes read so far.
 */
export function* readText(
  fd: number,
  begin: number,
  end: number,
  onBytes: (bytes: number) => void,
): Generator<string> {
  const part = Buffer.alloc(4 * 2 ** 20)
  for (let at = begin; ; ) {
    const got = readSync(fd, part, 0, Math.min(part.length, end - at), at)
    if (got === 0) return
    at += got
    onBytes(at - begin)
    // Only separators and digits matter, and in latin1 every byte is a character.
    yield part.toString('latin1', 0, got)
  }
}
