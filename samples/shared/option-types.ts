import { freemem } from 'node:os'
import { InvalidArgumentError } from 'commander'
import { byteSize } from '../../terminal/option-types.ts'

/** What 32-bit addresses reach. */
const maxWindow = 4 * 2 ** 30

/** An option that is the size of a window on a memory with 32-bit addresses. */
export function windowSize(text: string): number {
  const bytes = byteSize(text)
  if (bytes > maxWindow) {
    throw new InvalidArgumentError('A window has at most 4GiB, what 32-bit addresses reach.')
  }
  return bytes
}

/** Bytes of memory that this process may still use: what defaults are made of. */
export function availableMemory(): number {
  return process.availableMemory?.() ?? freemem()
}
