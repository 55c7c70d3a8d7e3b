import type { ExportResult } from '../types/workers.d.ts'

/** The results of one call in one line. */
export function text(result: ExportResult): string {
  return Array.isArray(result) ? result.join(' ') : `${result ?? ''}`
}

/**
 * For JSON, which has no numbers that are not finite, and whose readers are often limited to 53
 * bits: these and bigints as strings.
 */
export function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value)
  return typeof value === 'bigint' ? String(value) : value
}
