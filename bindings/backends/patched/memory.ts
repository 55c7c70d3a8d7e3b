import type * as region from '../../../types/host-region.d.ts'
import type * as api from '../../../types/web-assembly.d.ts'
import { Kind } from '../../addon/numbers.ts'
import { HostRegion, regionParts } from '../../region.ts'
import { adoption, engine, record, registerClass, values, wrongReceiver } from './engine.ts'

function attach(memory: Memory, region: unknown, name: string): void {
  const { handle, byteOffset, byteLength } = regionParts(region, name)
  engine.attachMemory(memory, region as object, handle, byteOffset, byteLength, name)
}

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
    if (typeof descriptor === 'object' && descriptor !== null) {
      const { host } = descriptor
      if (host !== undefined) {
        this.#constructOn(host, descriptor)
        return
      }
    }
    engine.construct(Kind.Memory, this, record(descriptor, ['address', 'initial', 'maximum']))
  }

  #constructOn(host: unknown, descriptor: api.MemoryDescriptor): void {
    regionParts(host, 'host')
    const { address, initial, maximum } = descriptor
    const own = { address, initial: initial ?? (address === 'i64' ? 0n : 0), maximum }
    engine.construct(Kind.Memory, this, record(own, ['address', 'initial', 'maximum']))
    attach(this, host, 'host')
  }

  get buffer(): ArrayBuffer {
    Memory.#check(this, 'buffer')
    const buffer = engine.memoryBuffer(this)
    return (buffer instanceof HostRegion ? buffer.buffer : buffer) as ArrayBuffer
  }

  grow(delta: number): number
  grow(delta: bigint): bigint
  grow(delta: number | bigint): number | bigint {
    Memory.#check(this, 'grow()')
    if (engine.isMemoryAttached(this)) {
      throw new RangeError(
        'WebAssembly.Memory.grow(): the memory is attached to a HostRegion and has the size of that; attach a larger one, or go back to its own bytes with attach(null)',
      )
    }
    return engine.invoke(this, 'grow', values([delta])) as number | bigint
  }

  attach(region: region.HostRegion | null): void {
    Memory.#check(this, 'attach()')
    if (region === null) {
      engine.detachMemory(this)
      return
    }
    if (region === undefined) {
      throw new TypeError('region must be a HostRegion, or null to detach; got undefined')
    }
    attach(this, region, 'region')
  }

  static #check(value: unknown, member: string): asserts value is Memory {
    if (typeof value !== 'object' || value === null || !(#brand in value && value.#brand)) {
      throw wrongReceiver('Memory', member)
    }
  }
}

registerClass(Kind.Memory, Memory)
