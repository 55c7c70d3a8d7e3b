// What a zoo knows of what it made.
import type { ChunkFeeder, HostRegion, SharedRegion, WebAssembly } from 'v8-rawmem'

/** A region whose n-th four bytes are `first + n`. */
export interface Ground {
  readonly first: number
  /** Undefined once JavaScript has dropped it. */
  region: HostRegion | undefined
  /** Node's memory, whose buffer the region borrows: growing takes the bytes away. */
  lender: { grow(pages: number): void } | undefined
  state: 'open' | 'closed' | 'taken away'
}

/** Where an instance reads: `first + offset / 4`. */
export interface Place {
  readonly ground: Ground
  readonly offset: number
  /** What shows it, if a feeder does. */
  readonly feeder?: ChunkFeeder
}

/** A memory and a table, which several instances may share. */
export interface Home {
  /** What JavaScript holds of it, beside the exports of instances. */
  held: { readonly memory: WebAssembly.Memory; readonly table: WebAssembly.Table } | undefined
  readonly slots: (Animal | undefined)[]
  /** What `memory.attach` shows. */
  below: Place | undefined
  /** Of the memory's own, which are all zeros. */
  pages: number
}

/** What a struct in an `any` leads to. */
export interface Box {
  readonly animal: Animal
  readonly inner: Box | undefined
}

/** What the model knows of an instance. */
export interface Animal {
  readonly id: number
  /** Undefined once JavaScript has dropped it. */
  instance: WebAssembly.Instance | undefined
  readonly home: Home
  box: Box | undefined
  /** What setWasmInstanceRawMemory or a feeder shows, in place of what the home does. */
  shown: Place | undefined
  feeder: ChunkFeeder | undefined
  /** Its memory has host windows, and is its own. */
  readonly hasWindows: boolean
  /** What window 0 shows. */
  window: Place | undefined
}

/** A region that every thread can open, whose n-th four bytes are `first + n`. */
export interface CommonGround {
  readonly first: number
  readonly shared: SharedRegion
}
