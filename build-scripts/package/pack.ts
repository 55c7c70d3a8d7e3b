import { rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { diskFull, saysDiskFull } from '../disk.ts'
import { renameDurably } from '../durable-files.ts'

/**
 * Packs a folder into a .tar.zst that depends on nothing but names and contents: sorted, the same owner, modes and
 * time for all, and a fixed way to compress.
 *
 * @param topFolder what the folder is called in the archive
 * @param date the time of all files in it
 */
export async function pack(
  folder: string,
  archive: string,
  topFolder: string,
  date: string,
  signal: AbortSignal,
): Promise<void> {
  const temporary = `${archive}.new-${process.pid}`
  // zstd gives the same bytes for every number of workers from 1 on, but others without any.
  const packed = await $({
    quiet: true,
    nothrow: true,
    signal,
    env: { ...process.env, LC_ALL: 'C' },
  })`tar --create --file=- --directory=${dirname(folder)} --format=gnu --sort=name --mtime=${date} --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX --transform=${`s,^${basename(folder)},${topFolder},`} ${basename(folder)} | zstd --quiet --force -15 -T2 -o ${temporary}`
  if (packed.exitCode === 0) {
    await $({ quiet: true })`sync ${temporary}`
    return renameDurably(temporary, archive)
  }
  await rm(temporary, { force: true })
  signal.throwIfAborted()
  if (saysDiskFull(packed.stderr)) throw diskFull(dirname(archive), `packing ${archive}`, packed)
  throw new BuildError(
    `Cannot pack ${archive}:\n${packed.stderr.trim()}`,
    'GNU tar and zstd are needed; "npm run v8 -- doctor" tells what is missing.',
    { cause: packed },
  )
}
