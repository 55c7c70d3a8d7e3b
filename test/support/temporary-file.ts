import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

/** An empty folder that goes when the test ends. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A file with this content, in a folder that goes when the test ends. */
export function temporaryFile(t: ExecutionContext, content: Uint8Array | string): string {
  const path = join(temporaryFolder(t), 'bytes.bin')
  writeFileSync(path, content)
  return path
}

/** Bytes that tell their own place: no two neighbours are alike, no page repeats the one before. */
export function patternBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + 1) & 0xff
  return bytes
}
