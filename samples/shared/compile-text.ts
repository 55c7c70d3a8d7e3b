import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assemble } from '../../cli/assemble.ts'

/** The binary of a module that lies in a file in WebAssembly's text format. */
export async function compileText(file: URL): Promise<Uint8Array<ArrayBuffer>> {
  const path = fileURLToPath(file)
  return assemble(basename(path), await readFile(path, 'utf8'))
}
