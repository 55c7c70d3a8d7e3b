const units = new Map([
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

/** Reads `8GiB`, `500 MB`, `1.5gib` or a plain number of bytes; `undefined` for anything else. */
export function parseByteSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text.trim())
  const unit = units.get(match?.[2]?.toLowerCase() || 'b')
  if (match === null || unit === undefined) return undefined
  return Math.floor(Number(match[1]) * unit)
}

/** Bytes in the largest binary unit that gives at least 1. */
export function formatByteSize(bytes: number): string {
  for (const [unit, size] of [
    ['TiB', 2 ** 40],
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
    ['KiB', 2 ** 10],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(2)} ${unit}`
  }
  return `${bytes} bytes`
}
