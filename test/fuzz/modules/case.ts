/** One program with the memory that it runs on and what its host does meanwhile, as JSON can keep it. */
export interface Case {
  /** Memory 0 has host windows. */
  readonly hostWindows: boolean
  readonly memories: readonly MemorySpec[]
  /** Regions of the host, which actions attach. */
  readonly regions: readonly RegionSpec[]
  /** Which actions are done before each call. */
  readonly before: readonly Action[]
  /** What the import `act` does, by its argument. */
  readonly actions: readonly Action[]
  /** The bodies of functions. Function 0 is exported; each calls only later ones. */
  readonly functions: readonly (readonly Step[])[]
  readonly calls: readonly Call[]
}

export interface MemorySpec {
  readonly address: 'i32' | 'i64'
  /** Pages of 64 KiB that the module asks for, and those that the memory has. */
  readonly minimum: number
  readonly pages: number
  readonly maximum: number
}

export interface RegionSpec {
  /** In bytes. */
  readonly length: number
  /** Bytes of canaries between the region and the guard page. */
  readonly gap: number
}

/** What a host does with the memories of an instance. `region` is an index; null detaches. */
export type Action =
  | { readonly do: 'attach'; readonly memory: number; readonly region: number | null }
  | { readonly do: 'attach memory'; readonly memory: number; readonly region: number | null }
  | { readonly do: 'window'; readonly window: number; readonly region: number | null }
  | { readonly do: 'grow'; readonly memory: number; readonly pages: number }

/** How a step comes to an address: from a parameter, or from nothing. */
export interface Address {
  readonly base: 'a' | 'b' | 'nothing'
  /** Added to it, with the wrapping of the memory's addresses. */
  readonly plus: number
  /** Times the counter of the innermost loop, added as well. */
  readonly stride?: number
  /** Whether a few low bits of the sum are added as well. */
  readonly bits?: boolean
}

export type Step =
  | {
      readonly do: 'access'
      readonly instruction: string
      readonly memory: number
      /** The constant of the instruction, in decimal digits. */
      readonly offset: string
      readonly at: Address
    }
  | { readonly do: 'fill'; readonly memory: number; readonly at: Address; readonly length: Length }
  | {
      readonly do: 'copy'
      readonly memory: number
      readonly at: Address
      readonly fromMemory: number
      readonly from: Address
      readonly length: Length
    }
  | {
      readonly do: 'init'
      readonly memory: number
      readonly at: Address
      readonly from: number
      readonly length: Length
    }
  | { readonly do: 'drop' }
  | { readonly do: 'size'; readonly memory: number }
  | { readonly do: 'grow'; readonly memory: number; readonly pages: number }
  | { readonly do: 'act'; readonly action: number; readonly indirectly: boolean }
  | { readonly do: 'call'; readonly function: number; readonly indirectly: boolean }
  | { readonly do: 'loop'; readonly times: number; readonly steps: readonly Step[] }
  | { readonly do: 'if'; readonly bit: number; readonly steps: readonly Step[] }
  | { readonly do: 'publish' }

/** Bytes of a bulk operation: a constant, or a number that the compiler does not know. */
export interface Length {
  readonly bytes: number
  readonly isConstant: boolean
}

/** Both parameters of a call, in decimal digits. */
export type Call = readonly [a: string, b: string]

/** Bytes of the passive data segment. */
export const segmentLength = 32

export const pageSize = 65_536

/** Where a host window begins. */
export function windowStart(window: number): number {
  return 0x8000_0000 + window * 0x1000_0000
}
