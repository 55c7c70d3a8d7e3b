import type * as api from '../../../types/web-assembly.d.ts'
import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import { native } from '../node/namespace.ts'
import { bufferOf } from './self-test.ts'

/** State of a memory, for all of its instances. */
export interface MemoryState {
  readonly lock: object
  /** Weak: they hold leases, and go with their instances. */
  readonly targets: Set<WeakRef<WindowTarget>>
  /** Number of collected instances. */
  collected: number
}

export const memoryStates = new WeakMap<object, MemoryState>()

/** An instance that is collected while it shows a window leaves its memory locked. */
export const collected = new FinalizationRegistry<MemoryState>((state) => {
  state.collected++
  settle(state, 1)
})

/** Targets are finalised soon after their instances, but not at once. */
function settle(state: MemoryState, delay: number): void {
  if (binding.nodeBackends.raw.settle(state.lock) >= state.collected) return
  setTimeout(settle, delay, state, Math.min(delay * 2, 1000)).unref()
}

/** Calls `action` while the memories have their declared maxima. */
export function whileGrowable<T>(memories: readonly object[], action: () => T): T {
  const { raw } = binding.nodeBackends
  const locked = memories.flatMap((memory) => {
    const lock = memoryStates.get(memory)?.lock
    return lock === undefined ? [] : [{ memory, lock }]
  })
  for (const { lock } of locked) raw.lift(lock)
  try {
    return action()
  } finally {
    for (const { memory, lock } of locked) {
      raw.lower(lock, bufferOf.call(memory as never).byteLength)
    }
  }
}

export class Memory extends (native.Memory as unknown as new (
  descriptor: api.MemoryDescriptor,
) => { grow(delta: never): never }) {
  constructor(descriptor: api.MemoryDescriptor) {
    if (descriptor?.host !== undefined) throw noHostMemory('host')
    super(descriptor)
  }

  attach(): never {
    throw noHostMemory('attach')
  }

  /** V8 points all instances at the grown memory; attached ones must show their window again. */
  override grow(delta: never): never {
    const state = memoryStates.get(this)
    if (state === undefined) return super.grow(delta)
    const { targets } = state
    const { raw } = binding.nodeBackends
    try {
      return whileGrowable([this], () => super.grow(delta))
    } finally {
      for (const reference of targets) {
        const target = reference.deref()
        if (target === undefined) targets.delete(reference)
        else raw.showAgain(target)
      }
    }
  }
}

function noHostMemory(what: string): TypeError {
  return new TypeError(
    `${what}: the backend 'node-raw' cannot make host memory a WebAssembly.Memory; use setWasmInstanceRawMemory, or the backend 'patched'`,
  )
}
