import { createRequire } from 'node:module'
import type { HostRegion } from 'v8-rawmem'
import { blockBytes, blockRows, lineitem } from '../../samples/query-jit/tpch/lineitem.ts'
import type { Variant } from './compiler.ts'

/** Types of the columns that are summed up. */
export type ValueType = 'i32' | 'i64' | 'f32' | 'f64'

/** The loops that sum up a column, in the order of addon.cc. */
const sumLoops = ['i32', 'i64', 'f32', 'f64', 'f64, four sums', 'f64, eight sums'] as const
export type NativeSum = (typeof sumLoops)[number]

/** A result, and the seconds it took to come by. */
export type Timed<T> = readonly [result: T, seconds: number]

interface Binding {
  sum(
    variant: number,
    loop: number,
    first: Uint8Array,
    bytes: number,
    passes: number,
  ): Timed<bigint | number>
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
  /** The seconds are those of one of the passes. Default: one. */
  sum(
    variant: Variant,
    loop: NativeSum,
    region: HostRegion,
    passes?: number,
  ): Timed<bigint | number>
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
    sum: (variant, loop, region, passes = 1) =>
      binding.sum(
        variantNumbers[variant],
        sumLoops.indexOf(loop),
        first(region),
        region.byteLength,
        passes,
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
