import { createReadStream } from 'node:fs'
import { mkdir, rm, stat } from 'node:fs/promises'
import { extname } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { $ } from 'zx'
import { BuildError } from '../build-error.ts'
import { diskFull, saysDiskFull } from '../disk.ts'
import { startProgress } from '../progress.ts'

const decompressors: Record<string, string> = {
  '.xz': 'xz -d -T0',
  '.gz': 'gzip -d',
  '.zst': 'zstd -d',
}

/**
 * Unpacks the named members (all of it when none are named) of a tar archive into `folder`. The archive's one top
 * folder is left out of the paths.
 */
export async function extract(
  archive: string,
  folder: string,
  members: readonly string[],
  { signal, lockFd }: { signal: AbortSignal; lockFd?: number | undefined },
): Promise<void> {
  await mkdir(folder, { recursive: true })
  const { size } = await stat(archive)
  const progress = startProgress('unpack', size, 'bytes')
  let done = 0
  const meter = new Transform({
    transform(chunk, _encoding, next) {
      done += chunk.length
      progress.update(done)
      next(null, chunk)
    },
  })
  const tar = $({
    quiet: true,
    nothrow: true,
    signal,
    stdio: ['pipe', 'ignore', 'pipe', lockFd ?? 'ignore'],
    env: { ...process.env, LC_ALL: 'C' },
  })`tar --extract --file=- --directory=${folder} --use-compress-program=${decompressors[extname(archive)]} --strip-components=1 --no-same-owner --no-same-permissions ${members}`
  // tar would go on to the end, and fail for each further file.
  tar.stderr.on('data', (chunk) => {
    if (saysDiskFull(chunk)) tar.child?.kill()
  })
  // tar's own message says more than the broken pipe it leaves when it ends early.
  const feeding = pipeline(
    createReadStream(archive, { highWaterMark: 1 << 20 }),
    meter,
    tar.stdin,
  ).catch(() => {})
  const result = await tar
  await feeding
  if (result.exitCode === 0) return progress.end()

  progress.abandon()
  signal.throwIfAborted()
  // What came out is of no use, and would take the room that the user is asked to make.
  await rm(folder, { recursive: true, force: true })
  if (saysDiskFull(result.stderr)) throw diskFull(folder, `unpacking ${archive}`, result)
  throw new BuildError(
    `Cannot unpack ${archive}: tar ends with code ${result.exitCode}.\n${result.stderr.trim()}`,
    'If members are missing, correct "folders" or "topFolder" in v8.lock.json.',
    { cause: result },
  )
}
