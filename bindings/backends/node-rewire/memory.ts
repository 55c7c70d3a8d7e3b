import type * as region from '../../../types/host-region.d.ts'
import type * as api from '../../../types/web-assembly.d.ts'
import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import { hostWindowsBegin } from '../../feeder/window-addresses.ts'
import { regionParts } from '../../region.ts'
import { native } from '../node/namespace.ts'

export const pageSize = 65536

/** Pages that a memory beside host windows may have: with one more it would touch the first. */
export const mostPagesBesideWindows = BigInt(hostWindowsBegin / pageSize - 1)

/** `(import "" "" (memory 0 32767))`, which V8 links with no memory that may grow further. */
const besideWindows = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x02, 0x09, 0x01, 0x00, 0x00, 0x02, 0x01, 0x00, 0xff, 0xff, 0x01],
]

let besideWindowsModule: api.Module | undefined

/** Whether a memory of 32 bits may ever have bytes at the addresses of host windows. */
export function canGrowIntoWindows(memory: object): boolean {
  if (windowTargets.has(memory)) return false
  besideWindowsModule ??= new native.Module(Uint8Array.from(besideWindows))
  try {
    new native.Instance(besideWindowsModule, { '': { '': memory as api.Memory } })
    return false
  } catch (error) {
    if (error instanceof native.LinkError) return true
    throw error
  }
}

/** The original getter, because a program could replace it. */
const bufferOf = Object.getOwnPropertyDescriptor(native.Memory.prototype, 'buffer')
  ?.get as () => ArrayBuffer

/** Windows belong to a memory, not to an instance: every user of the memory sees them. */
const targets = new WeakMap<object, WindowTarget>()

export function targetOf(memory: object): WindowTarget {
  let target = targets.get(memory)
  if (target === undefined) {
    target = binding.nodeBackends.rewire.target(memory, bufferOf, undefined)
    targets.set(memory, target)
  }
  return target
}

/** By memory, then by window. */
const windowTargets = new WeakMap<object, WindowTarget[]>()

export function windowTargetOf(memory: object, window: number): WindowTarget {
  let ofMemory = windowTargets.get(memory)
  if (ofMemory === undefined) {
    ofMemory = []
    windowTargets.set(memory, ofMemory)
  }
  ofMemory[window] ??= binding.nodeBackends.rewire.target(memory, bufferOf, window)
  return ofMemory[window]
}

/** Puts a region at address 0 of a memory. */
export function show(memory: object, region: unknown, argument: string): void {
  const { handle, byteOffset, byteLength } = regionParts(region, argument)
  binding.nodeBackends.show(targetOf(memory), handle, byteOffset, byteLength)
}

export class Memory extends native.Memory implements api.Memory {
  constructor(descriptor: api.MemoryDescriptor) {
    const host = typeof descriptor === 'object' ? descriptor?.host : undefined
    if (host === undefined) {
      super(descriptor)
      return
    }
    const { byteLength } = regionParts(host, 'host')
    const { address, initial, maximum, shared } = descriptor
    if (shared) {
      throw new TypeError(
        "WebAssembly.Memory(): Property 'shared' must be false or absent: host memory cannot take the place of a shared memory",
      )
    }
    const pages = Math.ceil(byteLength / pageSize)
    const own: api.MemoryDescriptor = {
      initial: initial ?? (address === 'i64' ? BigInt(pages) : pages),
    }
    if (address !== undefined) own.address = address
    if (maximum !== undefined) own.maximum = maximum
    super(own)
    show(this, host, 'host')
  }

  override grow(delta: number): number
  override grow(delta: bigint): bigint
  override grow(delta: number | bigint): number | bigint {
    const target = targets.get(this)
    if (target !== undefined && binding.nodeBackends.isShown(target)) {
      throw new RangeError(
        'WebAssembly.Memory.grow(): a HostRegion is attached to the memory; go back to its own bytes first, as with attach(null)',
      )
    }
    return super.grow(delta as number)
  }

  override attach(region: region.HostRegion | null): void {
    // Throws if it is no memory.
    bufferOf.call(this as never)
    if (region === null) {
      const target = targets.get(this)
      if (target !== undefined) binding.nodeBackends.restore(target)
      return
    }
    if (region === undefined) {
      throw new TypeError('region must be a HostRegion, or null to detach; got undefined')
    }
    show(this, region, 'region')
  }
}
