import type * as api from '../../types/web-assembly.d.ts'
import {
  adoption,
  engine,
  finishClass,
  Kind,
  record,
  registerClass,
  values,
  wrongReceiver,
} from './engine.ts'
import { link } from './store.ts'

export class Memory implements api.Memory {
  declare readonly [Symbol.toStringTag]: string
  readonly #brand = true

  constructor(descriptor: api.MemoryDescriptor | typeof adoption) {
    if (descriptor === adoption) return
    if (typeof descriptor === 'object' && descriptor !== null && descriptor.shared) {
      throw new TypeError(
        "WebAssembly.Memory(): Property 'shared' must be false or absent: memory shared between threads is not supported",
      )
    }
    engine.construct(Kind.Memory, this, record(descriptor, ['address', 'initial', 'maximum']))
    link(undefined, this)
  }

  get buffer(): ArrayBuffer {
    Memory.#check(this, 'buffer')
    return engine.memoryBuffer(this)
  }

  grow(delta: number): number
  grow(delta: bigint): bigint
  grow(delta: number | bigint): number | bigint {
    Memory.#check(this, 'grow()')
    return engine.invoke(this, 'grow', values([delta])) as number | bigint
  }

  static #check(value: unknown, member: string): asserts value is Memory {
    if (typeof value !== 'object' || value === null || !(#brand in value && value.#brand)) {
      throw wrongReceiver('Memory', member)
    }
  }
}

registerClass(Kind.Memory, Memory)
finishClass(Memory)
