import { SourceMap, type SourceMapPayload } from 'node:module'
import type { CodeLine } from './code-line.ts'
import type { ModuleCode } from './module-code.ts'

/** The source map that a module holds itself, as a `data:` URL. */
export function embeddedMap(module: ModuleCode): string | undefined {
  const url = mapUrl(module)
  const match = url === undefined ? null : /^data:[^,]*?(;base64)?,(.*)$/s.exec(url)
  if (match === null) return undefined
  const [, base64, content] = match as unknown as [string, string | undefined, string]
  return base64 ? Buffer.from(content, 'base64').toString() : decodeURIComponent(content)
}

/** Where the module says that its source map is. */
export function mapUrl(module: ModuleCode): string | undefined {
  return module.text('sourceMappingURL')
}

/** Reads lines from a source map: it takes the whole module for one line of bytes. */
export class MapReader {
  readonly #map: SourceMap
  readonly #module: ModuleCode

  constructor(text: string, module: ModuleCode) {
    this.#module = module
    let payload: SourceMapPayload
    try {
      payload = JSON.parse(text)
      if (payload?.version !== 3 || typeof payload.mappings !== 'string') {
        throw new TypeError('it is none of version 3')
      }
      this.#map = new SourceMap(payload)
    } catch (error) {
      throw new Error(
        `The source map of the program cannot be read: ${(error as Error).message}. Compile the program again, and give the file that the compiler writes.`,
        { cause: error },
      )
    }
  }

  /** One line at most: source maps do not tell what was inlined. */
  lines(functionIndex: number, offset: number): CodeLine[] {
    const entry = this.#map.findEntry(0, offset)
    if (!('originalSource' in entry) || entry.originalSource === undefined) return []
    // It finds the entry before the offset, which may be that of the function before.
    if (entry.generatedColumn < this.#module.body(functionIndex)!.begin) return []
    return [
      {
        file: entry.originalSource,
        line: entry.originalLine + 1,
        column: entry.originalColumn + 1,
      },
    ]
  }
}
