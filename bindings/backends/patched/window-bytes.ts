import type { Instance } from '../../../types/web-assembly.d.ts'
import { engine } from './engine.ts'
import { isInstance } from './instance.ts'

/** What the host windows of an instance show, by the addresses of its program. */
export interface WindowBytes {
  /** A copy; undefined unless one window shows it all. */
  read(address: number, length: number): Uint8Array | undefined
  /** Whether one window shows it all. Otherwise writes nothing. */
  write(address: number, bytes: Uint8Array): boolean
}

/** Undefined if `value` is no instance of the V8 inside. */
export function windowBytesOf(value: Instance): WindowBytes | undefined {
  if (!isInstance(value)) return undefined
  return {
    read(address, length) {
      const copy = engine.readWindow(value, address, length)
      return copy && new Uint8Array(copy)
    },
    write: (address, bytes) => engine.writeWindow(value, address, bytes),
  }
}
