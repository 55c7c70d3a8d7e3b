import type { WebAssembly as api, Backend, BackendName, HostRegion } from 'v8-rawmem'

/** The members of a backend, and what tests of every backend need. */
export interface Kit extends Backend {
  /**
   * The initial pages that a memory needs for windows of `byteLength` bytes: on node-rewire a window lies in a memory that is
   * as large, elsewhere it must have as many bytes as the memory declares.
   */
  initial(byteLength: number): number
  wat(text: string): Uint8Array<ArrayBuffer>
  compile(text: string): api.Module
  instantiate(text: string, imports?: api.Imports): api.Instance
  /** An instance of {@link accessors} over a memory for windows of `byteLength` bytes. */
  accessors(byteLength: number, imports?: api.Imports): Accessors
  /** A temporary file of these bytes, removed when the feature is done. */
  file(bytes: Uint8Array): string
  /** Closed when the feature is done, unless it is attached then. */
  region<T extends HostRegion>(region: T): T
}

export interface Accessors {
  readonly instance: api.Instance
  load(address: number): number
  store(address: number, value: number): void
  loadWord(address: number): number
  fill(address: number, value: number, length: number): void
  copy(to: number, from: number, length: number): void
  init(address: number): void
  loadVector(address: number): bigint
  storeVector(address: number, value: bigint): void
  atomicAdd(address: number, value: number): number
  size(): number
  grow(pages: number): number
  readonly memory: api.Memory
}

/** What a backend does in another way, or not at all. */
export interface Difference {
  /** For the table: a few words. */
  readonly says: string
  /** The error by which it refuses. */
  readonly refuses?: RegExp
  /** What it does instead. */
  check?(kit: Kit): void | Promise<void>
}

export interface Feature {
  readonly name: string
  /** Fails by an AssertionError if the backend does not have it, or gets it wrong. */
  check(kit: Kit): void | Promise<void>
  readonly differs?: Partial<Record<BackendName, Difference>>
  /** A module that a Node without the proposal does not know. */
  readonly needs?: string
}

/** For features that attach from any byte on. */
export const onlyAtMultiplesOf8: Feature['differs'] =
  process.arch === 'x64'
    ? {}
    : {
        'node-raw': {
          says: 'at a multiple of 8 bytes',
          refuses: /^RangeError: region: .* must begin at a multiple of 8 bytes/,
        },
      }

/** Bytes that tell where they are. */
export function pattern(length: number, seed = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 17 + seed) & 0xff
  return bytes
}

/** Functions that access a memory in every way; "switch" is what they import. */
export function accessors(pages: number, memory = `(memory (export "memory") ${pages})`): string {
  return `(module
    ${memory}
    (data $four "\\01\\02\\03\\04")
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "loadWord") (param i32) (result i32) (i32.load align=1 (local.get 0)))
    (func (export "fill") (param i32 i32 i32)
      (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32)
      (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32)
      (memory.init $four (local.get 0) (i32.const 0) (i32.const 4)))
    (func (export "loadVector") (param i32) (result i64)
      (i64x2.extract_lane 1 (v128.load align=1 (local.get 0))))
    (func (export "storeVector") (param i32 i64)
      (v128.store align=1 (local.get 0) (i64x2.splat (local.get 1))))
    (func (export "atomicAdd") (param i32 i32) (result i32)
      (i32.atomic.rmw.add (local.get 0) (local.get 1)))
    (func (export "size") (result i32) memory.size)
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`
}
