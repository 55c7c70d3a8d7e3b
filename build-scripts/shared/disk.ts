import { mkdir, statfs } from 'node:fs/promises'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { formatBytes } from './terminal.ts'

/** Bytes an unprivileged user may still write to the file system that holds `folder`. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Fails before the work begins when there is surely no room for its result. */
export async function requireFreeBytes(
  folder: string,
  needed: number,
  purpose: string,
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const free = await freeBytes(folder)
  if (free >= needed) return
  throw new AdvisedError(
    `Not enough disk space in ${folder}: ${purpose} needs ${formatBytes(needed)}, ${formatBytes(free)} are free.`,
    moreRoom(needed - free),
  )
}

function moreRoom(bytes?: number): string {
  const amount = bytes === undefined ? 'space' : formatBytes(bytes)
  return `Free ${amount} there, or name a cache folder on a larger disk with --cache or XDG_CACHE_HOME.\nThen run the same command again; it goes on from where it stopped.`
}

/** Whether an error, or what a tool wrote, says that the disk (or the user's quota) is full. */
export function saysDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code
  if (code === 'ENOSPC' || code === 'EDQUOT') return true
  // The third is what tar says when a file could be written in part.
  return /No space left on device|Disk quota exceeded|Wrote only \d+ of \d+ bytes/.test(
    String(error),
  )
}

/** Whether there is as good as no room left where `folder` is: not every tool says why it cannot write. */
export async function isDiskFull(folder: string): Promise<boolean> {
  return (await freeBytes(folder).catch(() => Number.POSITIVE_INFINITY)) < 100_000
}

/** The error for a disk that filled up while `purpose` was under way. */
export function diskFull(folder: string, purpose: string, cause: unknown): AdvisedError {
  return new AdvisedError(
    `The disk is full: ${purpose} could not go on writing to ${folder}.`,
    moreRoom(),
    { cause },
  )
}
