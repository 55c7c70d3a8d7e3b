import type { WebAssembly as api } from 'v8-rawmem'
import { type Action, type Case, pageSize, windowStart } from './case.ts'
import { fillPattern, type Outcome, type Trap } from './outcome.ts'
import { referenceProgram } from './program.ts'

/** Node's own engine. */
const own = Reflect.get(globalThis, 'WebAssembly') as typeof api

/** Bytes in the arena. */
interface Place {
  readonly begin: number
  readonly length: number
}

interface MemoryState {
  readonly wide: boolean
  readonly begin: number
  readonly minimum: number
  readonly maximum: number
  pages: number
  /** What the instance shows, and what the memory shows below that. */
  shown: number | null
  below: number | null
  readonly windows: (number | null)[]
}

class TrapError extends Error {
  readonly trap: Trap

  constructor(trap: Trap) {
    super(trap)
    this.trap = trap
  }
}

/**
 * A case in Node's own engine. One memory, the arena, holds copies of all memories and regions.
 * What is attached where is kept here.
 */
export class Reference {
  readonly #case: Case
  readonly #arena: Uint8Array
  readonly #regions: readonly Place[]
  readonly #memories: readonly MemoryState[]
  readonly #exports: api.Exports
  #actions: string[] = []
  /** The region at which an access trapped last, and how many bytes beyond its end that would have ended. */
  beyond: { readonly region: number; readonly bytes: number } | undefined

  constructor(subject: Case) {
    this.#case = subject
    let end = 0
    const place = (length: number) => {
      const begin = end
      // The alignment in the arena is that of the memory; and nothing touches the next place.
      end += Math.ceil((length + 1) / 16) * 16
      return begin
    }
    this.#regions = subject.regions.map(({ length }) => ({ begin: place(length), length }))
    this.#memories = subject.memories.map(({ address, minimum, pages, maximum }) => ({
      wide: address === 'i64',
      begin: place(maximum * pageSize),
      minimum,
      maximum,
      pages,
      shown: null,
      below: null,
      windows: new Array<number | null>(8).fill(null),
    }))
    const arena = new own.Memory({ initial: Math.ceil(end / pageSize) })
    this.#arena = new Uint8Array(arena.buffer)
    const module = new own.Module(referenceProgram(subject) as Uint8Array<ArrayBuffer>)
    const instance = new own.Instance(module, {
      env: {
        arena,
        act: (index: number) => {
          this.#actions.push(this.#act(subject.actions[index]!))
        },
        place: this.#place,
        range: this.#range,
        size: (memory: number) => BigInt(this.#sizeOf(this.#memories[memory]!)),
        grow: this.#growInside,
      },
    })
    this.#exports = instance.exports
  }

  /** The bytes of a region. */
  region(index: number): Uint8Array {
    return this.#bytes(this.#regions[index]!)
  }

  /** A memory's own bytes. */
  memory(index: number): Uint8Array {
    const { begin, pages } = this.#memories[index]!
    return this.#bytes({ begin, length: pages * pageSize })
  }

  run(a: bigint, b: bigint): Outcome {
    for (const index of this.#regions.keys()) fillPattern(this.region(index), index)
    for (const [index, memory] of this.#memories.entries()) {
      memory.shown = memory.below = null
      memory.windows.fill(null)
      fillPattern(this.memory(index), 50 + index)
    }
    this.beyond = undefined
    this.#actions = this.#case.before.map((action) => this.#act(action))
    const { run, sum } = this.#exports
    sum.value = 0n
    let result: string
    try {
      result = String(run(...argumentsOf(a, b)))
    } catch (error) {
      if (error instanceof TrapError) result = error.trap
      else if (/out of bounds/.test(String(error))) result = 'out of bounds' satisfies Trap
      else throw error
    }
    return { result, published: String(sum.value), actions: this.#actions }
  }

  #bytes({ begin, length }: Place): Uint8Array {
    return this.#arena.subarray(begin, begin + length)
  }

  #act(action: Action): string {
    if (action.do === 'window') {
      this.#memories[0]!.windows[action.window] = action.region
      return 'done'
    }
    const memory = this.#memories[action.memory]!
    if (action.do === 'grow') {
      if (memory.below !== null) return 'RangeError'
      return this.#grow(memory, action.pages) < 0 ? 'RangeError' : 'done'
    }
    const { region } = action
    if (region !== null && this.#regions[region]!.length < memory.minimum * pageSize) {
      return 'RangeError'
    }
    if (action.do === 'attach') memory.shown = region
    else memory.below = region
    return 'done'
  }

  #shown({ shown, below, begin, pages }: MemoryState): Place {
    const region = shown ?? below
    return region === null ? { begin, length: pages * pageSize } : this.#regions[region]!
  }

  #sizeOf(memory: MemoryState): number {
    return Math.floor(this.#shown(memory).length / pageSize)
  }

  #grow(memory: MemoryState, pages: number): number {
    if (memory.pages + pages > memory.maximum) return -1
    const before = memory.pages
    memory.pages += pages
    this.#arena.fill(0, memory.begin + before * pageSize, memory.begin + memory.pages * pageSize)
    return before
  }

  readonly #growInside = (index: number, pages: bigint): bigint => {
    const memory = this.#memories[index]!
    const isAttached = memory.shown !== null || memory.below !== null
    return BigInt(isAttached ? -1 : this.#grow(memory, Number(pages)))
  }

  /** Where `bytes` from an address on are in the arena; undefined if they are not in one place. */
  #find(index: number, address: bigint, bytes: bigint): number | undefined {
    const memory = this.#memories[index]!
    let place = this.#shown(memory)
    let first = address
    if (index === 0 && this.#case.hostWindows && address >= 0x8000_0000n) {
      const window = Number((address - 0x8000_0000n) >> 28n)
      const region = memory.windows[window] ?? null
      if (region === null) return undefined
      place = this.#regions[region]!
      first = address - BigInt(windowStart(window))
    }
    const excess = first + bytes - BigInt(place.length)
    if (excess > 0n) {
      this.beyond = { region: this.#regions.indexOf(place), bytes: Number(excess) }
      return undefined
    }
    return place.begin + Number(first)
  }

  readonly #place = (
    index: number,
    address: bigint,
    offset: bigint,
    bytes: number,
    isAtomic: number,
  ): number => {
    const first = BigInt.asUintN(64, address) + BigInt.asUintN(64, offset)
    const found = this.#find(index, first, BigInt(bytes))
    const isUnaligned = isAtomic !== 0 && first % BigInt(bytes) !== 0n
    if (found !== undefined && !isUnaligned) return found
    if (!isUnaligned) throw new TrapError('out of bounds')
    throw new TrapError(found === undefined ? 'either' : 'unaligned')
  }

  readonly #range = (index: number, address: bigint, bytes: bigint): number => {
    const found = this.#find(index, BigInt.asUintN(64, address), BigInt.asUintN(64, bytes))
    if (found === undefined) throw new TrapError('out of bounds')
    return found
  }
}

/** Arguments of `run`, as both widths of addresses have them. */
export function argumentsOf(a: bigint, b: bigint): [number, number, bigint, bigint] {
  return [
    Number(BigInt.asIntN(32, a)),
    Number(BigInt.asIntN(32, b)),
    BigInt.asIntN(64, a),
    BigInt.asIntN(64, b),
  ]
}
