import type { Memory, WebAssemblyNamespace } from '../../types/web-assembly.d.ts'

/** Node's own: `node:wasi` knows no other memories. */
const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyNamespace }

const pageBytes = 65_536

/** No call takes 0 for an address. */
const firstAddress = 8

/** Memory of Node's own, where `node:wasi` finds what it reads and leaves what it writes. */
export class Desk {
  readonly memory: Memory = new WebAssembly.Memory({ initial: 1 })
  #used = firstAddress

  /** All that was reserved is free again. */
  clear(): void {
    this.#used = firstAddress
  }

  /** The address of so many bytes. */
  reserve(length: number): number {
    const address = this.#used
    this.#used += Math.ceil(length / 8) * 8
    const missing = this.#used - this.memory.buffer.byteLength
    if (missing > 0) this.memory.grow(Math.ceil(missing / pageBytes))
    return address
  }

  /** Valid until the next `reserve`. */
  bytes(address: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, address, length)
  }

  /** Valid until the next `reserve`. */
  view(address: number, length: number): DataView {
    return new DataView(this.memory.buffer, address, length)
  }
}
