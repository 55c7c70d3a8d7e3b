import { readFileSync } from 'node:fs'

/** The key of the size of a page in the list that the kernel gives to a process. */
const AT_PAGESZ = 6n

/** The size of a page of this system, in bytes: 4096, on arm64 also 16384 or 65536. */
export const systemPage = findPageSize()

function findPageSize(): number {
  const words = new BigUint64Array(new Uint8Array(readFileSync('/proc/self/auxv')).buffer)
  for (let i = 0; i < words.length; i += 2) {
    if (words[i] === AT_PAGESZ) return Number(words[i + 1])
  }
  throw new Error('/proc/self/auxv does not tell the size of a page')
}
