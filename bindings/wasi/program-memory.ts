import type { Memory } from '../../types/web-assembly.d.ts'
import { hostWindowsBegin } from '../feeder/window-addresses.ts'

/** An address that is not in the program's memory. */
export class Fault extends Error {}

/**
 * The memory of a program, as calls of WASI find it. Addresses come as WebAssembly hands out an
 * i32: with a sign.
 */
export class ProgramMemory {
  #memory: Memory | undefined

  get isKnown(): boolean {
    return this.#memory !== undefined
  }

  /** From the beginning of the program on. */
  set(memory: Memory): void {
    this.#memory = memory
  }

  /**
   * Bytes of the program, valid until it goes on.
   *
   * @param call Who wants them.
   * @throws {Fault} if they are not all there.
   * @throws {RangeError} if they are in a host window: `buffer` does not have those.
   */
  bytes(call: string, address: number, length: number): Uint8Array {
    if (this.#memory === undefined) {
      throw new Error(
        `${call} was called before start(instance) or initialize(instance), as from a start function; let the program begin in _start (asc: --exportStart _start)`,
      )
    }
    const begin = address >>> 0
    const size = length >>> 0
    const { buffer } = this.#memory
    if (begin + size <= buffer.byteLength) return new Uint8Array(buffer, begin, size)
    if (begin < hostWindowsBegin) throw new Fault()
    throw new RangeError(
      `${call}: address 0x${begin.toString(16)} is in a host window, where WASI does not reach; copy the bytes into the program's own memory first`,
    )
  }

  view(call: string, address: number, length: number): DataView {
    const { buffer, byteOffset, byteLength } = this.bytes(call, address, length)
    return new DataView(buffer, byteOffset, byteLength)
  }
}
