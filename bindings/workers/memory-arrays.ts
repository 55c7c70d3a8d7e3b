// What a program leaves in its memory: arrays, by their address or by the global that holds it.

import type { Instance, Module } from '../../types/web-assembly.d.ts'
import type { MemoryArray, MemoryArrayType, MemoryValues } from '../../types/workers.d.ts'
import { checkInteger, show } from '../arguments.ts'

/** Gets the arrays of each part. */
export type OnArrays = (arrays: MemoryValues[], part: number) => void

export const arrayClasses = {
  i8: Int8Array,
  u8: Uint8Array,
  i16: Int16Array,
  u16: Uint16Array,
  i32: Int32Array,
  u32: Uint32Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
  f32: Float32Array,
  f64: Float64Array,
} satisfies Record<MemoryArrayType, unknown>

function readArray(value: unknown, index: number): MemoryArray {
  const name = `arrays[${index}]`
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`${name} must be an object with type, count and at; got ${show(value)}`)
  }
  const { type, count, at } = value as Partial<MemoryArray>
  if (typeof type !== 'string' || !Object.hasOwn(arrayClasses, type)) {
    throw new TypeError(
      `${name}.type must be one of ${Object.keys(arrayClasses).join(', ')}; got ${show(type)}`,
    )
  }
  return {
    type,
    count: checkInteger(`${name}.count`, count, 1, Number.MAX_SAFE_INTEGER),
    at:
      typeof at === 'string'
        ? at
        : checkInteger(
            `${name}.at`,
            at,
            0,
            Number.MAX_SAFE_INTEGER,
            ', or the name of an exported global',
          ),
  }
}

export function readArrays(value: unknown): MemoryArray[] {
  if (!Array.isArray(value)) throw new TypeError(`arrays must be an array; got ${show(value)}`)
  return Array.from(value, readArray)
}

export function readOnArrays(value: unknown, arrays: readonly MemoryArray[]): OnArrays | undefined {
  if (value === undefined && arrays.length === 0) return undefined
  if (typeof value !== 'function') {
    throw new TypeError(`onArrays must be a function, which gets the arrays; got ${show(value)}`)
  }
  return value as OnArrays
}

/** The memory `memory`, as compilers call it, or else the only one. */
function memoryName(exported: readonly { name: string; kind: string }[]): string {
  const memories = exported.filter(({ kind }) => kind === 'memory').map(({ name }) => name)
  if (memories.includes('memory')) return 'memory'
  if (memories.length === 1) return memories[0]!
  throw new TypeError(
    memories.length === 0
      ? 'arrays: the module exports no memory to read them from'
      : `arrays: the module exports no memory 'memory', and more than one other: ${memories.join(', ')}`,
  )
}

function addressOf(instance: Instance, name: string): number {
  const value: unknown = instance.exports[name].value
  if (typeof value === 'bigint') return Number(BigInt.asUintN(64, value))
  if (typeof value === 'number' && Number.isInteger(value) && Math.abs(value) <= 2 ** 32) {
    return value >>> 0
  }
  throw new TypeError(`arrays: the global '${name}' is no address: it holds ${show(value)}`)
}

/**
 * Gives a function that reads the arrays when the program has run.
 *
 * @throws {TypeError} if the module does not export what is needed: before the program runs, which
 *   may take long.
 */
export function arrayReader(
  { exports: exportsOf }: { exports(module: Module): { name: string; kind: string }[] },
  module: Module,
  arrays: readonly MemoryArray[],
): (instance: Instance) => MemoryValues[] {
  if (arrays.length === 0) return () => []
  const exported = exportsOf(module)
  const memory = memoryName(exported)
  const globals = exported.filter(({ kind }) => kind === 'global').map(({ name }) => name)
  for (const { at } of arrays) {
    if (typeof at === 'number' || globals.includes(at)) continue
    throw new TypeError(
      `arrays: the module exports no global '${at}'; its globals are: ${globals.join(', ') || 'none'}`,
    )
  }
  return (instance) =>
    arrays.map(({ type, count, at }) => {
      const { buffer } = instance.exports[memory]
      const address = typeof at === 'number' ? at : addressOf(instance, at)
      const bytes = count * arrayClasses[type].BYTES_PER_ELEMENT
      if (address + bytes > buffer.byteLength) {
        throw new RangeError(
          `arrays: ${type}:${count}@${at} is outside the memory: it would be bytes ${address} to ${address + bytes} of ${buffer.byteLength}`,
        )
      }
      // A copy, because the address may be of any alignment, and the memory ends with the program.
      return new arrayClasses[type](buffer.slice(address, address + bytes))
    })
}
