import { freemem } from 'node:os'
import { InvalidArgumentError } from 'commander'
import { parseByteSize } from './byte-size.ts'

/** What 32-bit addresses reach. */
const maxWindow = 4 * 2 ** 30

/** An option that is a size, such as `8GiB`; becomes a number of bytes. */
export function byteSize(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes === undefined) {
    throw new InvalidArgumentError('A size is a number and a unit, such as 8GiB or 500MB.')
  }
  return bytes
}

/** An option that is the size of a window on a memory with 32-bit addresses. */
export function windowSize(text: string): number {
  const bytes = byteSize(text)
  if (bytes < 1 || bytes > maxWindow) {
    throw new InvalidArgumentError('A window has 1 byte to 4GiB, what 32-bit addresses reach.')
  }
  return bytes
}

/** An option that is an integer of this range. */
export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (text.trim() === '' || !Number.isInteger(value) || value < min || value > max) {
      throw new InvalidArgumentError(`Allowed is an integer from ${min} to ${max}.`)
    }
    return value
  }
}

/** Bytes of memory that this process may still use: what defaults are made of. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem()
}
