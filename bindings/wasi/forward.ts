import type { Parameter } from './calls.ts'
import type { Desk } from './desk.ts'
import { Errno } from './errno.ts'
import { Fault, type ProgramMemory } from './program-memory.ts'

/** A call of WASI: gives an errno. */
export type Call = (...args: (number | bigint)[]) => number

/** Bytes of an entry in a list of buffers: address and length. */
const bufferEntry = 8

/**
 * More than this is transferred by further calls, which every libc makes: the first one says how
 * far it came.
 */
const longestTransfer = 2 ** 20

/** Copies what was written on the desk to where the program wants it. */
type Delivery = () => void

interface Buffer {
  readonly address: number
  readonly length: number
}

/** The buffers of a list, as far as one transfer goes. The program has all of their bytes. */
function listedBuffers(
  name: string,
  memory: ProgramMemory,
  address: number,
  count: number,
): Buffer[] {
  const { buffer, byteOffset, byteLength } = memory.read(name, address, count * bufferEntry)
  const list = new DataView(buffer, byteOffset, byteLength)
  const buffers: Buffer[] = []
  let left = longestTransfer
  for (let at = 0; at < list.byteLength && left > 0; at += bufferEntry) {
    const buffer = {
      address: list.getUint32(at, true),
      length: Math.min(list.getUint32(at + 4, true), left),
    }
    memory.read(name, buffer.address, buffer.length)
    buffers.push(buffer)
    left -= buffer.length
  }
  return buffers
}

function totalLength(buffers: readonly Buffer[]): number {
  return buffers.reduce((total, { length }) => total + length, 0)
}

/** The bytes that a list of buffers has to be written, in one. */
export function gather(
  name: string,
  memory: ProgramMemory,
  address: number,
  count: number,
): Uint8Array {
  const buffers = listedBuffers(name, memory, address, count)
  const gathered = new Uint8Array(totalLength(buffers))
  let at = 0
  for (const { address, length } of buffers) {
    gathered.set(memory.read(name, address, length), at)
    at += length
  }
  return gathered
}

/** Puts on the desk a list of one buffer. */
function reserveList(desk: Desk, length: number): { list: number; bytes: number } {
  const list = desk.reserve(bufferEntry)
  const bytes = desk.reserve(length)
  const entry = desk.view(list, bufferEntry)
  entry.setUint32(0, bytes, true)
  entry.setUint32(4, length, true)
  return { list, bytes }
}

/** What the calls of one program share. */
export interface Exchange {
  readonly memory: ProgramMemory
  readonly desk: Desk
}

/** A call that has `target`, of `node:wasi`, work on the desk in place of the program's memory. */
export function forward(
  name: string,
  parameters: readonly Parameter[],
  target: Call,
  { memory, desk }: Exchange,
): Call {
  return (...args) => {
    desk.clear()
    const forwarded: (number | bigint)[] = []
    const deliveries: Delivery[] = []
    /** Where the call says how many bytes it has read. */
    let firstResult = 0
    let at = 0
    for (const parameter of parameters) {
      const value = args[at++]!
      if (parameter === 'value') {
        // Of an i32, node:wasi expects the unsigned value.
        forwarded.push(typeof value === 'bigint' ? BigInt.asUintN(64, value) : value >>> 0)
        continue
      }
      const address = value as number
      if (typeof parameter === 'number') {
        memory.read(name, address, parameter)
        const result = desk.reserve(parameter)
        firstResult ||= result
        forwarded.push(result)
        deliveries.push(() => memory.write(name, address, desk.bytes(result, parameter)))
        continue
      }
      const count = (args[at++] as number) >>> 0
      switch (parameter) {
        case 'input': {
          const input = memory.read(name, address, count)
          const copy = desk.reserve(count)
          desk.bytes(copy, count).set(input)
          forwarded.push(copy, count)
          break
        }
        case 'output': {
          const before = memory.read(name, address, count)
          const output = desk.reserve(count)
          // What the call leaves as it is stays as the program has it.
          desk.bytes(output, count).set(before)
          forwarded.push(output, count)
          deliveries.push(() => memory.write(name, address, desk.bytes(output, count)))
          break
        }
        case 'gather': {
          const gathered = gather(name, memory, address, count)
          const { list, bytes } = reserveList(desk, gathered.length)
          desk.bytes(bytes, gathered.length).set(gathered)
          forwarded.push(list, 1)
          break
        }
        case 'scatter': {
          const buffers = listedBuffers(name, memory, address, count)
          const { list, bytes } = reserveList(desk, totalLength(buffers))
          forwarded.push(list, 1)
          deliveries.push(() => {
            let from = bytes
            const end = bytes + desk.view(firstResult, 4).getUint32(0, true)
            for (const { address, length } of buffers) {
              const part = Math.min(length, end - from)
              memory.write(name, address, desk.bytes(from, part))
              from += part
            }
          })
          break
        }
      }
    }
    const errno = target(...forwarded)
    if (errno === Errno.Success) for (const deliver of deliveries) deliver()
    return errno
  }
}

/** A call that answers an address where the program has no bytes as the system does. */
export function withFaults(call: Call): Call {
  return (...args) => {
    try {
      return call(...args)
    } catch (error) {
      if (error instanceof Fault) return Errno.Fault
      throw error
    }
  }
}
