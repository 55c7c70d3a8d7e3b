import type { Backend } from '../../types/backend.d.ts'
import type { RawMemoryOptions } from '../../types/index.d.ts'
import { checkBoolean, show } from '../arguments.ts'

export type RawMemoryFunction = Backend['setWasmInstanceRawMemory']

/** @returns whether a region may hide what the program keeps in the memory. */
export function readRawMemoryOptions(options: unknown = {}): boolean {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`options must be an object; got ${show(options)}`)
  }
  const { overOwnData = false } = options as RawMemoryOptions
  return checkBoolean('overOwnData', overOwnData)
}
