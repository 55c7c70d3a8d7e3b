import { mkdir, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Unpack, x } from 'tar'

/**
 * Lets `work` fill a folder beside `target`, then replaces `target` with it. A failure leaves
 * nothing behind, and another process never finds half of it.
 */
export async function makeFolder(
  target: string,
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const parent = dirname(target)
  const prefix = `.${basename(target)}-`
  await mkdir(parent, { recursive: true })
  for (const name of await readdir(parent)) {
    if (isAbandoned(name, prefix)) await rm(join(parent, name), { recursive: true, force: true })
  }
  const making = join(parent, `${prefix}${process.pid}`)
  const replaced = `${making}-old`
  try {
    // Another process may have removed the parent again.
    await mkdir(making, { recursive: true })
    await work(making)
    await exchange(making, target, replaced)
  } finally {
    for (const folder of [making, replaced]) await rm(folder, { recursive: true, force: true })
    // Fails if this or another process has put something into it.
    await rmdir(parent).catch(() => {})
  }
}

async function exchange(made: string, target: string, replaced: string): Promise<void> {
  for (;;) {
    await rename(target, replaced).catch(ignoreMissing)
    try {
      return await rename(made, target)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOTEMPTY') {
        await rename(replaced, target).catch(ignoreMissing)
        throw error
      }
      // Another process was faster.
      await rm(replaced, { recursive: true, force: true })
    }
  }
}

function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error
}

/** Whether a killed process left it; in a container, that may have had this process's id. */
function isAbandoned(name: string, prefix: string): boolean {
  if (!name.startsWith(prefix)) return false
  const owner = Number.parseInt(name.slice(prefix.length), 10)
  if (owner === process.pid) return true
  try {
    process.kill(owner, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/**
 * Writes an archive into a folder, without its top folder. As npm does, it leaves out links: what one leads to is not in the
 * archive.
 */
export function extractInto(folder: string): Unpack {
  const filter = (_: string, entry: object) => !('type' in entry && /Link$/.test(`${entry.type}`))
  // Otherwise it would still write what it has begun when it has failed.
  return x({ cwd: folder, strip: 1, strict: true, filter, sync: true })
}

/** Unpacks a tarball made by npm. */
export async function unpack(tarball: Uint8Array, folder: string): Promise<void> {
  // node-tar reads text from a header as only a Buffer has it.
  const { buffer, byteOffset, byteLength } = tarball
  await pipeline(Readable.from([Buffer.from(buffer, byteOffset, byteLength)]), extractInto(folder))
}
