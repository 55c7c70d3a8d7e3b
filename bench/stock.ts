import type * as api from 'v8-rawmem'

/** Node's own WebAssembly. (TypeScript knows that of browsers only; the members used here are the same.) */
export const stock = (globalThis as unknown as { WebAssembly: typeof api.WebAssembly }).WebAssembly
export type StockMemory = api.WebAssembly.Memory

const memory = new stock.Memory({ initial: 0, maximum: 65_536 })

/**
 * Node's memory for copies, of at least so many bytes. There is one for all contenders: each window that one copies would
 * otherwise take as much memory again.
 */
export function memoryForCopies(byteLength: number): StockMemory {
  const missing = byteLength - memory.buffer.byteLength
  if (missing > 0) memory.grow(Math.ceil(missing / 65_536))
  return memory
}
