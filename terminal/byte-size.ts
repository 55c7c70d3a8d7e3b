const units = new Map([
  ['', 1],
  ['b', 1],
  ['kb', 1e3],
  ['mb', 1e6],
  ['gb', 1e9],
  ['tb', 1e12],
  ['kib', 2 ** 10],
  ['mib', 2 ** 20],
  ['gib', 2 ** 30],
  ['tib', 2 ** 40],
])

/**
 * Reads `2GiB`, `500 MB`, `1.5gib` or a number of bytes.
 *
 * @returns undefined for other text, and for a size that is not a whole number of bytes
 */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = units.get(match?.[2]?.toLowerCase() ?? '')
  if (match === null || unit === undefined) return undefined
  const bytes = Number(match[1]) * unit
  return Number.isSafeInteger(bytes) ? bytes : undefined
}

/** Bytes in the largest binary unit that gives at least 1. */
export function formatByteSize(bytes: number): string {
  const unit = ['TiB', 'GiB', 'MiB', 'KiB'].find((name) => bytes >= units.get(name.toLowerCase())!)
  return unit === undefined
    ? `${bytes} ${bytes === 1 ? 'byte' : 'bytes'}`
    : `${(bytes / units.get(unit.toLowerCase())!).toFixed(2)} ${unit}`
}
