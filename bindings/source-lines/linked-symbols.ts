import type { ModuleCode } from './module-code.ts'
import { embeddedMap, mapUrl } from './source-map.ts'

/**
 * Where a module says that its symbols are: a path or a URL.
 *
 * @returns undefined if it holds them itself, or has none.
 */
export function linkedSymbols(module: ModuleCode): string | undefined {
  if (module.hasDwarf || embeddedMap(module) !== undefined) return undefined
  // Emscripten writes the first with -gseparate-dwarf.
  return module.text('external_debug_info') ?? mapUrl(module)
}
