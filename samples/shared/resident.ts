import { readFileSync } from 'node:fs'

/** Bytes of mapped files that are in the memory of this process now. */
export function residentFileBytes(): number {
  const status = readFileSync('/proc/self/status', 'latin1')
  // A file in a tmpfs counts as shared memory.
  const lines = status.matchAll(/^Rss(?:File|Shmem):\s+(\d+) kB$/gm)
  return [...lines].reduce((bytes, [, kilobytes]) => bytes + Number(kilobytes) * 1024, 0)
}
