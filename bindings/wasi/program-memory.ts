import type { Memory } from '../../types/web-assembly.d.ts'
import type { WindowBytes } from '../backends/patched/window-bytes.ts'
import { hostWindowsBegin } from '../feeder/window-addresses.ts'

/** Some of the bytes are neither in the program's own memory nor in one host window. */
export class Fault extends Error {}

/**
 * The memory of a program and its host windows, as calls of WASI find them. Addresses come as
 * WebAssembly hands out an i32: with a sign.
 *
 * `call` says in errors who wants the bytes.
 */
export class ProgramMemory {
  #memory: Memory | undefined
  #windows: WindowBytes | undefined

  get isKnown(): boolean {
    return this.#memory !== undefined
  }

  /**
   * From the beginning of the program on.
   *
   * @param windows undefined where `memory` has all that the program sees.
   */
  set(memory: Memory, windows: WindowBytes | undefined): void {
    this.#memory = memory
    this.#windows = windows
  }

  /**
   * Bytes of the program, valid until it goes on. Those of a window are a copy: only
   * {@link write} changes the program's.
   *
   * @param length not negative.
   * @throws {Fault} if they are not all there.
   */
  read(call: string, address: number, length: number): Uint8Array {
    const begin = address >>> 0
    const bytes = this.#own(call, begin, length) ?? this.#windowsAt(call, begin).read(begin, length)
    if (bytes === undefined) throw new Fault()
    return bytes
  }

  /** @throws {Fault} if there is not room for all of them; nothing is written then. */
  write(call: string, address: number, bytes: Uint8Array): void {
    const begin = address >>> 0
    const own = this.#own(call, begin, bytes.length)
    if (own !== undefined) own.set(bytes)
    else if (!this.#windowsAt(call, begin).write(begin, bytes)) throw new Fault()
  }

  /** The same for a number of 32 bits. */
  writeNumber(call: string, address: number, value: number): void {
    this.write(call, address, new Uint8Array(Uint32Array.of(value).buffer))
  }

  /** Undefined if they are not all in the program's own memory. */
  #own(call: string, begin: number, length: number): Uint8Array | undefined {
    if (this.#memory === undefined) {
      throw new Error(
        `${call} was called before start(instance) or initialize(instance), as from a start function; let the program begin in _start (asc: --exportStart _start)`,
      )
    }
    const { buffer } = this.#memory
    return begin + length <= buffer.byteLength ? new Uint8Array(buffer, begin, length) : undefined
  }

  #windowsAt(call: string, begin: number): WindowBytes {
    if (begin < hostWindowsBegin) throw new Fault()
    if (this.#windows !== undefined) return this.#windows
    throw new RangeError(
      `${call}: address 0x${begin.toString(16)} is not in the memory of the program. Where it is in a host window: calls of WASI reach those of the backend 'patched', when start() or initialize() was given the instance itself and no object with its exports`,
    )
  }
}
