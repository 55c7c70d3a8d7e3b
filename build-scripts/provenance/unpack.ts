import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { extractInto } from '../../cli/install/unpack.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { withTemporaryFolder } from '../shared/files.ts'
import { $ } from '../shared/shell.ts'
import { requireTools, tools } from '../shared/toolchain.ts'

/** Unpacks an archive into a folder that is there as long as `work` lasts, without its top folder. */
export async function withUnpacked<T>(
  archive: string,
  work: (folder: string) => Promise<T>,
): Promise<T> {
  return await withTemporaryFolder(async (folder) => {
    await unpack(archive, folder).catch((cause: Error) => {
      throw new AdvisedError(
        `Cannot unpack ${archive}: ${cause.message}`,
        'It is damaged or not whole. Get it anew, or make it again.',
        { cause },
      )
    })
    return await work(folder)
  })
}

async function unpack(archive: string, folder: string): Promise<void> {
  const extract = extractInto(folder)
  if (!archive.endsWith('.zst')) return await pipeline(createReadStream(archive), extract)
  await requireTools('Unpacking an SDK', [tools.zstd])
  const zstd = $`zstd --decompress --stdout --quiet ${archive}`
  await Promise.all([zstd, pipeline(zstd.stdout, extract)])
}
