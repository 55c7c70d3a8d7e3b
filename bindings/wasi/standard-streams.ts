import { openSync } from 'node:fs'
import { Errno } from './errno.ts'
import { type Call, gather } from './forward.ts'
import type { Output } from './options.ts'
import type { ProgramMemory } from './program-memory.ts'

/** Milliseconds until a pipe that is full is tried again. */
const patience = 1

const clock = new Int32Array(new SharedArrayBuffer(4))

let emptyFile: number | undefined

/** Open as long as the thread runs. */
export function openEmptyFile(): number {
  emptyFile ??= openSync('/dev/null', 'r+')
  return emptyFile
}

/** Descriptors 0, 1 and 2 belong to the process, which goes on when the program closes them. */
const count = 3

/** What is different with the calls `fd_…` where they are about standard input and output. */
export class StandardStreams {
  readonly #memory: ProgramMemory
  readonly #outputs: readonly (Output | undefined)[]
  readonly #closed = new Set<number>()

  constructor(memory: ProgramMemory, stdout: Output, stderr: Output) {
    this.#memory = memory
    this.#outputs = [undefined, stdout, stderr]
  }

  /** What `call` is to do instead, for these descriptors. */
  around(name: string, call: Call): Call {
    const other = this.#instead(name, call)
    return (...args) => {
      if (
        (args[0] as number) >>> 0 >= count &&
        !(name === 'fd_renumber' && (args[1] as number) >>> 0 < count)
      ) {
        return call(...args)
      }
      return this.#closed.has(args[0] as number) ? Errno.BadDescriptor : other(...args)
    }
  }

  #instead(name: string, call: Call): Call {
    switch (name) {
      case 'fd_close':
        return (descriptor) => {
          this.#closed.add(descriptor as number)
          return Errno.Success
        }
      case 'fd_renumber':
        return () => Errno.NotSupported
      case 'fd_write':
        return (...args) => this.#write(args as number[]) ?? patiently(call, args)
      case 'fd_read':
        return (...args) => patiently(call, args)
      default:
        return call
    }
  }

  /** Undefined if it is not a function that gets the bytes. */
  #write([descriptor, address, length, written]: number[]): number | undefined {
    const output = this.#outputs[descriptor!]
    if (typeof output !== 'function') return undefined
    const bytes = gather('fd_write', this.#memory, address!, length! >>> 0)
    this.#memory.writeNumber('fd_write', written!, bytes.length)
    output(bytes)
    return Errno.Success
  }
}

/** Node makes pipes non-blocking, and programs take no for an answer. */
function patiently(call: Call, args: (number | bigint)[]): number {
  for (;;) {
    const errno = call(...args)
    if (errno !== Errno.Again) return errno
    Atomics.wait(clock, 0, 0, patience)
  }
}
