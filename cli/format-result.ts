import type { ExportResult } from '../types/workers.d.ts'

/** The results of one call in one line. */
export function text(result: ExportResult): string {
  return Array.isArray(result) ? result.join(' ') : `${result ?? ''}`
}

/** For JSON: bigints as strings, because many JSON readers are limited to 53 bits. */
export function plain(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value
}
