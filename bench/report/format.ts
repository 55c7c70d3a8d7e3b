import { formatByteSize } from '../../terminal/byte-size.ts'
import type { Aim, Row, Unit } from '../results.ts'

const nanoseconds: Record<Exclude<Unit, 'GB/s'>, number> = { ns: 1, µs: 1e3, ms: 1e6, s: 1e9 }

/** Three digits that count, and thousands kept apart. */
export function formatNumber(value: number): string {
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}

/** A value in the unit that suits its size. */
export function formatValue(value: number, unit: Unit): string {
  if (unit === 'GB/s') return `${formatNumber(value)} GB/s`
  const inNanoseconds = value * nanoseconds[unit]
  for (const [name, size] of [
    ['s', 1e9],
    ['ms', 1e6],
    ['µs', 1e3],
  ] as const) {
    if (inNanoseconds >= size) return `${formatNumber(inNanoseconds / size)} ${name}`
  }
  return `${formatNumber(inNanoseconds)} ns`
}

/** The median, how many times as fast as the baseline, and the processor's time where it is another. */
export function formatCell(row: Row): string {
  const value = formatValue(row.median, row.unit)
  const speed = row.contender === row.baseline ? '' : ` (${formatNumber(row.speed)} ×)`
  return `${value}${speed}${formatProcessor(row)}`
}

/** The median in time of the processor, if that differs by more than a tenth. */
export function formatProcessor({ median, processor, unit }: Row): string {
  if (processor === undefined || Math.abs(processor / median - 1) < 0.1) return ''
  return `; ${formatValue(processor, unit)} by the processor's clock`
}

/** What was measured for an aim. */
export function formatMeasured({ measured, unit }: Aim): string {
  return unit === undefined ? `${formatNumber(measured)} ×` : formatValue(measured, unit)
}

/** Bytes without digits that say nothing: `1 GiB`, `4 GiB - 64 KiB`. */
export function formatSize(bytes: number): string {
  return formatByteSize(bytes).replace('.00', '')
}

export function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
