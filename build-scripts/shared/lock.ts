import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { tryLock } from 'fs-native-extensions'
import { z } from 'zod'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { say } from './terminal.ts'

const holderSchema = z.object({ pid: z.number(), command: z.string(), since: z.string() })
type Holder = z.infer<typeof holderSchema>

/** A lock this process holds. */
interface HeldLock {
  /**
   * The open file that carries the lock. A child process that inherits it keeps the lock until it ends.
   */
  readonly fd: number
  release(): void
}

export interface LockOptions {
  /** False: fail at once instead of waiting. */
  readonly wait: boolean
  /** What to do when it is taken. */
  readonly advice?: string
}

const adviceOfCache =
  'Wait for it to end, leave out --no-wait, or name another cache folder with --cache.'

/**
 * Takes the lock `path`, which one process at a time can hold.
 *
 * It is a lock of the kernel (on an open file description), so it ends with its holders, also after
 * kill -9 or a power cut. There are no stale locks.
 *
 * @param command what the holder does, for the message of those that wait
 */
export async function takeLock(
  path: string,
  command: string,
  { wait, advice = adviceOfCache }: LockOptions,
): Promise<HeldLock> {
  await mkdir(dirname(path), { recursive: true })
  const fd = openSync(path, 'a+')
  try {
    let told = false
    while (!tryLock(fd)) {
      const holder = describeHolder(readHolder(path))
      if (!wait) {
        throw new AdvisedError(`Another build uses ${dirname(path)}: ${holder}.`, advice)
      }
      if (!told) say(`Waiting for another build to end: ${holder} ...`)
      told = true
      await sleep(300)
    }
  } catch (error) {
    closeSync(fd)
    throw error
  }
  const holder: Holder = { pid: process.pid, command, since: new Date().toISOString() }
  ftruncateSync(fd)
  writeSync(fd, JSON.stringify(holder))
  return { fd, release: () => closeSync(fd) }
}

function readHolder(path: string): Holder | undefined {
  try {
    return holderSchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    // The holder is just about to write its name.
    return undefined
  }
}

function describeHolder(holder: Holder | undefined): string {
  if (!holder) return 'a process that has just begun'
  const name = `process ${holder.pid} ("${holder.command}", since ${holder.since})`
  return isRunning(holder.pid) ? name : `what ${name} left running when it ended`
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
