import { createRequire } from 'node:module'
import type { HostRegion } from 'v8-rawmem'
import { blockBytes, blockRows, lineitem } from '../../samples/query-jit/tpch/lineitem.ts'
import type { Variant } from './compiler.ts'

/** Types of the columns that are summed up. */
export const valueTypes = ['i32', 'i64', 'f32'] as const
export type ValueType = (typeof valueTypes)[number]

/** A result, and the seconds it took to come by. */
export type Timed<T> = readonly [result: T, seconds: number]

interface Binding {
  sum(variant: number, type: number, first: Uint8Array, bytes: number): Timed<bigint | number>
  q6(
    variant: number,
    first: Uint8Array,
    bytes: number,
    layout: Float64Array,
    parameters: Float64Array,
  ): Timed<bigint>
  copy(to: Uint8Array, from: Uint8Array, bytes: number): number
  remap(bytes: number, switches: number, touch: number): number
}

const variantNumbers: Record<Variant, number> = { Scalar: 0, Simd: 1, Wide: 2 }

/** The native contenders. Regions are read where they lie. */
export interface Native {
  sum(variant: Variant, type: ValueType, region: HostRegion): Timed<bigint | number>
  q6(variant: Variant, region: HostRegion, parameters: readonly number[]): Timed<bigint>
  /** Seconds that it takes to copy all bytes of `from`. */
  copy(to: HostRegion, from: HostRegion): number
  /** Seconds of one switch by `mmap(MAP_FIXED)`; with `touch`, also of reading a byte of every page. */
  remap(windowBytes: number, switches: number, touch: boolean): number
}

/** Loads what `compileAddon` made. */
export function loadNative(path: string): Native {
  const binding = createRequire(import.meta.url)(path) as Binding
  const layout = Float64Array.of(
    blockBytes,
    blockRows,
    lineitem.shipdate.offset,
    lineitem.extendedprice.offset,
    lineitem.quantity.offset,
    lineitem.discount.offset,
  )
  // A view of one byte tells the address; the length goes beside it, since it may be more than a view has.
  const first = (region: HostRegion) => region.view(Uint8Array, 0, 1)
  return {
    sum: (variant, type, region) =>
      binding.sum(
        variantNumbers[variant],
        valueTypes.indexOf(type),
        first(region),
        region.byteLength,
      ),
    q6: (variant, region, parameters) =>
      binding.q6(
        variantNumbers[variant],
        first(region),
        region.byteLength,
        layout,
        Float64Array.from(parameters),
      ),
    copy: (to, from) => binding.copy(first(to), first(from), from.byteLength),
    remap: (windowBytes, switches, touch) => binding.remap(windowBytes, switches, touch ? 1 : 0),
  }
}
