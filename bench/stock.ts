import type * as api from 'v8-rawmem'

/** Node's own WebAssembly. (TypeScript knows that of browsers only; the members used here are the same.) */
export const stock = (globalThis as unknown as { WebAssembly: typeof api.WebAssembly }).WebAssembly
export type StockMemory = api.WebAssembly.Memory
