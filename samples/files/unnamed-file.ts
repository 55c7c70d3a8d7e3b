import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file that is open, and has no name in any folder. */
export interface UnnamedFile {
  readonly fd: number
  /** Opens the same file, in this process, for as long as `fd` is open. */
  readonly path: string
  close(): void
  [Symbol.dispose](): void
}

/**
 * A new file for scratch data. Its name is removed at once, so the system takes its space back when the program ends,
 * however it ends: Ctrl-C and `kill -9` leave nothing behind.
 */
export function createUnnamedFile(folder = tmpdir()): UnnamedFile {
  const own = mkdtempSync(join(folder, 'v8-rawmem-sample-'))
  let fd: number
  try {
    fd = openSync(join(own, 'data'), 'wx+', 0o600)
  } finally {
    rmSync(own, { recursive: true })
  }
  let open = true
  const close = () => {
    if (open) closeSync(fd)
    open = false
  }
  return { fd, path: `/proc/self/fd/${fd}`, close, [Symbol.dispose]: close }
}
