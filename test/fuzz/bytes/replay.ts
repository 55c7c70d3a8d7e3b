// Damaged bytes of the corpus: node replay.ts <target> <file>
import { mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { targets } from './targets.ts'

const [name, file] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-bytes-'))
try {
  await targets[name!]!.read(Uint8Array.from(readFileSync(file!)), folder)
} finally {
  await rm(folder, { recursive: true })
}
