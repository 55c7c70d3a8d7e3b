import { nodeCrypto } from '../node-crypto.ts'
import { Errno } from './errno.ts'
import type { Call, Exchange } from './forward.ts'
import type { WasiOptions } from './options.ts'
import { ProgramExit } from './program-exit.ts'
import type { ProgramMemory } from './program-memory.ts'

/** Bytes of what `poll_oneoff` waits for, and of what it reports. */
const subscriptionBytes = 48
const eventBytes = 32

/** The two calls that hand out a list of strings. */
function stringCalls(
  name: 'args' | 'environ',
  strings: readonly string[],
  memory: ProgramMemory,
): Record<string, Call> {
  const encoder = new TextEncoder()
  const encoded = strings.map((string) => encoder.encode(`${string}\0`))
  const total = encoded.reduce((sum, { length }) => sum + length, 0)
  return {
    [`${name}_sizes_get`]: (count, size) => {
      memory.writeNumber(`${name}_sizes_get`, count as number, encoded.length)
      memory.writeNumber(`${name}_sizes_get`, size as number, total)
      return Errno.Success
    },
    [`${name}_get`]: (pointers, buffer) => {
      const call = `${name}_get`
      let at = (buffer as number) >>> 0
      const addresses = encoded.map(({ length }) => {
        const address = at
        at += length
        return address
      })
      memory.write(call, buffer as number, Buffer.concat(encoded))
      memory.write(call, pointers as number, new Uint8Array(Uint32Array.from(addresses).buffer))
      return Errno.Success
    },
  }
}

/** Waits for all of a list, of which every entry has its place on the desk. */
function pollCall(target: Call, { memory, desk }: Exchange): Call {
  return (subscriptions, events, count, stored) => {
    const n = (count as number) >>> 0
    const [inputLength, outputLength] = [n * subscriptionBytes, n * eventBytes]
    const input = memory.read('poll_oneoff', subscriptions as number, inputLength)
    memory.read('poll_oneoff', events as number, outputLength)
    memory.read('poll_oneoff', stored as number, 4)
    desk.clear()
    const from = desk.reserve(inputLength)
    const to = desk.reserve(outputLength)
    const number = desk.reserve(4)
    desk.bytes(from, inputLength).set(input)
    const errno = target(from, to, n, number)
    if (errno === Errno.Success) {
      memory.write('poll_oneoff', events as number, desk.bytes(to, outputLength))
      memory.write('poll_oneoff', stored as number, desk.bytes(number, 4))
    }
    return errno
  }
}

/**
 * The calls that are not those of `node:wasi`: because of the lists in them, or since they would
 * end the process.
 */
export function ownCalls(
  nodeCalls: Record<string, Call>,
  { args, env }: Pick<WasiOptions, 'args' | 'env'>,
  exchange: Exchange,
): Record<string, Call> {
  const { memory } = exchange
  const environ = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  return {
    ...stringCalls('args', args, memory),
    ...stringCalls('environ', environ, memory),
    poll_oneoff: pollCall(nodeCalls.poll_oneoff!, exchange),
    random_get: (address, length) => {
      const bytes = memory.read('random_get', address as number, (length as number) >>> 0)
      memory.write('random_get', address as number, nodeCrypto().randomFillSync(bytes))
      return Errno.Success
    },
    proc_exit: (code) => {
      throw new ProgramExit((code as number) >>> 0)
    },
    proc_raise: (signal) => {
      throw new Error(`The program raised signal ${signal}`)
    },
  }
}
