import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { formatByteSize } from '../../terminal/byte-size.ts'

/** A file that is open, and has no name in any folder. */
export interface UnnamedFile {
  readonly fd: number
  /** Opens the same file, in this process, for as long as `fd` is open. */
  readonly path: string
  close(): void
  [Symbol.dispose](): void
}

/**
 * A new file of zeros for scratch data. Its name is removed at once, so the system takes its space back when the program
 * ends, however it ends: Ctrl-C and `kill -9` leave nothing behind.
 *
 * @throws {Error} with `code` `'ENOSPC'` if the disk has no room for that many bytes.
 */
export function createUnnamedFile(byteLength: number, folder = tmpdir()): UnnamedFile {
  const { bavail, bsize } = statfsSync(folder)
  if (byteLength > bavail * bsize) {
    const message = `${folder} has room for ${formatByteSize(bavail * bsize)}, not for ${formatByteSize(byteLength)}; choose a smaller --size, or another folder by the environment variable TMPDIR`
    throw Object.assign(new Error(message), { code: 'ENOSPC' })
  }
  const own = mkdtempSync(join(folder, 'v8-rawmem-sample-'))
  let fd: number
  try {
    fd = openSync(join(own, 'data'), 'wx+', 0o600)
  } finally {
    rmSync(own, { recursive: true })
  }
  ftruncateSync(fd, byteLength)
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  return { fd, path: `/proc/self/fd/${fd}`, close, [Symbol.dispose]: close }
}
