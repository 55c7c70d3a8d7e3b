// Types of the command's options besides sizes and integers. Commander puts the option's name
// before the messages.

import { InvalidArgumentError } from 'commander'
import { byteSize } from '../terminal/option-types.ts'

const escapes = new Map([
  ['\\n', 10],
  ['\\r', 13],
  ['\\t', 9],
  ['\\0', 0],
  ['\\\\', 92],
])

/** One byte: a character, an escape sequence, or `\xHH`. */
export function delimiter(text: string): number {
  const hex = /^\\x([0-9a-f]{2})$/i.exec(text)
  if (hex !== null) return Number.parseInt(hex[1]!, 16)
  const code = escapes.get(text) ?? (text.length === 1 ? text.charCodeAt(0) : 256)
  if (code > 127) {
    throw new InvalidArgumentError(
      'A delimiter is one ASCII character, one of \\n \\r \\t \\0 \\\\, or a byte as \\xHH.',
    )
  }
  return code
}

function parseArgument(text: string): number | bigint {
  const big = /^([+-]?)(\d+|0x[0-9a-f]+)n$/i.exec(text)
  if (big !== null) {
    const value = BigInt(big[2]!)
    const signed = big[1] === '-' ? -value : value
    if (signed < -(2n ** 63n) || signed >= 2n ** 64n) {
      throw new InvalidArgumentError(`${text} has more than the 64 bits of an i64.`)
    }
    return signed
  }
  const value = Number(text)
  if (Math.abs(value) === Number.POSITIVE_INFINITY && !text.includes('Infinity')) {
    throw new InvalidArgumentError(`${text} is more than a number can be; Infinity is one.`)
  }
  if (text === '' || (Number.isNaN(value) && text !== 'NaN')) {
    throw new InvalidArgumentError(
      'Arguments are numbers, such as 7 or -1.5, and end in n where the program takes an i64: 7n.',
    )
  }
  return value
}

/**
 * Collects numbers and, ending in n, bigints, with commas or without: `--args 1 2n`,
 * `--args=-1n,2`.
 */
export function callArguments(text: string, before: (number | bigint)[] = []): (number | bigint)[] {
  return [
    ...before,
    ...text
      .trim()
      .split(/\s*,\s*|\s+/)
      .map(parseArgument),
  ]
}

/** For options that may be given more than once. */
export function collect(text: string, before: string[] = []): string[] {
  return [...before, text]
}

/** Collects `NAME=value`, and `NAME` for what it is in this process. */
export function environment(
  text: string,
  before: Record<string, string> = {},
): Record<string, string> {
  const at = text.indexOf('=')
  const name = at < 0 ? text : text.slice(0, at)
  const value = at < 0 ? process.env[name] : text.slice(at + 1)
  if (name === '') throw new InvalidArgumentError('Give NAME=value, or NAME alone.')
  if (value === undefined) throw new InvalidArgumentError(`There is no variable ${name} here.`)
  return { ...before, [name]: value }
}

/** Collects folders by the paths under which a program sees them: `data`, or `data::/input`. */
export function folders(text: string, before: Record<string, string> = {}): Record<string, string> {
  const [folder, seen = folder] = text.split('::')
  if (!folder || !seen) throw new InvalidArgumentError('Give a folder, or <folder>::<path>.')
  return { ...before, [seen]: folder }
}

/** One size, or one for each region, where `all` stands for a region that is not divided. */
export function recordBytes(text: string): number | (number | null)[] {
  const parts = text.split(',')
  if (parts.length === 1 && text !== 'all') return byteSize(text)
  return parts.map((part) => (part === 'all' ? null : byteSize(part)))
}

/** `3/8`: the third of eight parts. */
export function part(text: string): { index: number; count: number } {
  const match = /^(\d{1,7})\/(\d{1,7})$/.exec(text)
  const [index, count] = [Number(match?.[1]), Number(match?.[2])]
  if (!(index >= 1 && index <= count)) {
    throw new InvalidArgumentError('Give i/n, the i-th of n parts, from 1/n to n/n: 3/8.')
  }
  return { index, count }
}
