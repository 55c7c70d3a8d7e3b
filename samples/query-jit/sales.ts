import type { HostRegion } from 'v8-rawmem'
import { type Column, layOut } from './table.ts'

export const countries = [
  ...['Argentina', 'Brazil', 'Canada', 'Chile', 'Egypt', 'France', 'Germany', 'India'],
  ...['Indonesia', 'Japan', 'Kenya', 'Morocco', 'Peru', 'Spain', 'Thailand', 'Vietnam'],
] as const

/** A table with a column of each type, 16,384 rows to a block. */
export const sales = layOut('sales', 16_384, {
  id: [{ kind: 'number', scale: 0 }, 'i64'],
  weight: [{ kind: 'double' }, 'f64'],
  day: [{ kind: 'date' }, 'i32'],
  price: [{ kind: 'number', scale: 2 }, 'i32'],
  pieces: [{ kind: 'number', scale: 0 }, 'i16'],
  country: [{ kind: 'text', values: countries }, 'u8'],
})

/** Identifiers begin beyond what 32 bits hold. */
export const firstId = 10_000_000_000n

/** Days from 2015-01-01 on, eight years. */
const firstDay = Date.UTC(2015, 0, 1) / 86_400_000
const days = 2922

/** Fills a region, whole blocks, with sales; the same ones every time. */
export function generateSales(region: HostRegion): void {
  let state = 1
  const random = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
    return Math.floor((state >>> 0) * 2 ** -32 * below)
  }
  let row = 0
  for (let begin = 0; begin < region.byteLength; begin += sales.blockBytes) {
    const at = (name: string) => begin + (sales.columns.get(name) as Column).offset
    const id = region.view(BigInt64Array, at('id'), sales.blockRows)
    const weight = region.view(Float64Array, at('weight'), sales.blockRows)
    const day = region.view(Int32Array, at('day'), sales.blockRows)
    const price = region.view(Int32Array, at('price'), sales.blockRows)
    const pieces = region.view(Int16Array, at('pieces'), sales.blockRows)
    const country = region.view(Uint8Array, at('country'), sales.blockRows)
    for (let i = 0; i < sales.blockRows; i++, row++) {
      id[i] = firstId + BigInt(row)
      weight[i] = 0.05 + random(1_000_000) / 17
      day[i] = firstDay + random(days)
      price[i] = 99 + random(100_000)
      pieces[i] = 1 + random(500)
      country[i] = random(countries.length)
    }
  }
}
