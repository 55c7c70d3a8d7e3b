// What options of commands may say. Commander puts the name of the option in front of the messages.

import { InvalidArgumentError } from 'commander'
import { parseByteSize } from './byte-size.ts'

/** An option that is a size, such as `8GiB`; becomes a number of bytes. */
export function byteSize(text: string): number {
  const bytes = parseByteSize(text)
  if (bytes === undefined || bytes < 1) {
    throw new InvalidArgumentError(
      'A size is a whole number of bytes, at least 1, with a unit or without: 65536, 512MiB, 1.5GiB.',
    )
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
