import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deserializeModule, serializeModule, version, type WebAssembly } from 'v8-rawmem'
import type { QueryText } from './random-queries.ts'
import type { Table } from './table.ts'

/**
 * Compiled queries in a folder, two files for each: the WebAssembly module, and the machine code that V8 made of it.
 *
 * Whoever can write to the folder decides what runs in this process. It should be the user's own.
 */
export class CodeCache {
  readonly #folder: string

  constructor(folder: string) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#folder = folder
  }

  /** What the module depends on decides its name, so no entry ever has to be invalidated. */
  #path(query: QueryText, table: Table): string {
    const parts = [
      version,
      query.where,
      query.value,
      table.name,
      table.blockRows,
      [...table.columns],
    ]
    const name = createHash('sha256').update(JSON.stringify(parts)).digest('hex')
    return join(this.#folder, name.slice(0, 32))
  }

  /** The module with its code; `undefined` if there is none, or none that this machine can run. */
  load(query: QueryText, table: Table): WebAssembly.Module | undefined {
    const path = this.#path(query, table)
    try {
      return deserializeModule(readFileSync(`${path}.code`), readFileSync(`${path}.wasm`))
    } catch (error) {
      // Other flags or another processor than those the code was made for, or a damaged file, are a TypeError.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !(error instanceof TypeError)) {
        throw error
      }
      return undefined
    }
  }

  /** Keeps a module that has run, so that its code is there. Returns the bytes written. */
  store(query: QueryText, table: Table, bytes: Uint8Array, module: WebAssembly.Module): number {
    const path = this.#path(query, table)
    const code = serializeModule(module)
    writeWhole(`${path}.wasm`, bytes)
    writeWhole(`${path}.code`, code)
    return bytes.length + code.length
  }
}

/** Nobody sees a file that is written in part. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const temporary = `${path}.${process.pid}`
  writeFileSync(temporary, bytes, { mode: 0o600 })
  renameSync(temporary, path)
}
