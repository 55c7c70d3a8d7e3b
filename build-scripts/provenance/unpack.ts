import { createReadStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { x } from 'tar'
import { BuildError } from '../shared/build-error.ts'
import { $ } from '../shared/shell.ts'
import { requireTools, tools } from '../shared/toolchain.ts'

/**
 * Unpacks an archive into a folder that is there as long as `work` lasts, without its top folder.
 *
 * @param wanted which of the files to unpack, by their paths in that folder
 */
export async function withUnpacked<T>(
  archive: string,
  wanted: (path: string) => boolean,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'v8-rawmem-unpacked-'))
  try {
    const extract = x({
      cwd: folder,
      strip: 1,
      strict: true,
      // As npm does, which installs no links: what one leads to is not in the archive.
      filter: (path, entry) =>
        !('type' in entry && /Link$/.test(entry.type)) && wanted(path.slice(path.indexOf('/') + 1)),
    })
    await unpack(archive, extract).catch((cause: Error) => {
      throw new BuildError(
        `Cannot unpack ${archive}: ${cause.message}`,
        'It is damaged or not whole. Get it anew, or make it again.',
        { cause },
      )
    })
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function unpack(archive: string, extract: NodeJS.WritableStream): Promise<void> {
  if (!archive.endsWith('.zst')) return await pipeline(createReadStream(archive), extract)
  await requireTools('Unpacking an SDK', [tools.zstd])
  const zstd = $`zstd --decompress --stdout --quiet ${archive}`
  await Promise.all([zstd, pipeline(zstd.stdout, extract)])
}
