/**
 * The `WebAssembly` namespace of v8-rawmem. Members have the names, signatures and behaviour of the
 * WebAssembly JavaScript Interface, so generated glue code can use it. Modules, instances and
 * memories do not mix with those of the global namespace.
 */

import type { HostRegion } from './host-region.d.ts'

/** Kind of an import or export. */
export type ImportExportKind = 'function' | 'table' | 'memory' | 'global' | 'tag'

/** Types of values, including those of the proposals that the engine ships. */
export type ValueType =
  | 'i32'
  | 'i64'
  | 'f32'
  | 'f64'
  | 'v128'
  | 'externref'
  | 'anyfunc'
  | 'exnref'
  | (string & {})

/** Types of table elements. */
export type TableKind = 'anyfunc' | 'externref' | (string & {})

/** Whether addresses or indices are `number` (32 bits) or `bigint` (64 bits). */
export type AddressType = 'i32' | 'i64'

/** The bytes of a module. They are copied before use. */
export type BytesSource = ArrayBufferLike | ArrayBufferView

/** Imports of a module: one object per module name, with a value per name. */
export type Imports = Record<string, Record<string, ImportValue>>

/** A value that can be imported. */
export type ImportValue =
  | Exports[string]
  | number
  | bigint
  // biome-ignore lint/suspicious/noExplicitAny: functions of any signature can be imported
  | ((...args: any[]) => any)
  | object
  | null
  | undefined

/** Exports of an instance. Only the module knows their types. */
// biome-ignore lint/suspicious/noExplicitAny: the types of exports are known to the module only
export type Exports = Record<string, any>

/**
 * Which compilers of the engine make the code of a module.
 *
 * - `'optimize'`: the optimising compiler (Turboshaft) compiles each function when it is first
 *   called.
 * - `'dynamic'`: functions start in code of the baseline compiler (Liftoff), which compiles quickly
 *   but runs several times slower. Hot functions are optimised. A running call is never replaced,
 *   so a program that works in one call stays slow.
 * - `'baseline'`: the baseline compiler only.
 */
export type Tiering = 'optimize' | 'dynamic' | 'baseline'

/** Options of the compiling functions. */
export interface CompileOptions {
  /** Builtin modules that the engine provides, such as `'js-string'`. */
  builtins?: string[]
  /** Name of the module whose imported globals are strings: the name of each is its value. */
  importedStringConstants?: string
  /**
   * Default: the environment variable `V8_RAWMEM_TIERING`, else `'optimize'` for modules with less
   * than 256 KiB of code and `'dynamic'` for larger ones.
   */
  tiering?: Tiering
  /**
   * Whether memory 0 has host windows at addresses from 2 GiB, see `HostWindows`. A module that
   * imports functions from `rawmem` has them in any case. Default `false`.
   */
  hostWindows?: boolean
  /**
   * `'exact'` (default): each access is checked against the memory's size, to the byte.
   *
   * `'region'`, for programs that you trust: accesses of memories with 32-bit addresses are not
   * checked. One out of bounds traps where the pages of the whole region end: before that it may
   * read and write what lies beside the window in the same region. A load whose value is not used
   * need not trap. Each region that is attached must be made with `{ guarded: true }`; a memory that
   * is imported must be attached to one, or come from a module compiled in the same way. Bulk
   * operations, atomic waits and notifications, memories with 64-bit addresses, and memory 0 beside
   * host windows stay exact.
   *
   * Only the backend `'patched'` has it; the others check, or fault, as Node's own engine does.
   */
  boundsChecks?: 'exact' | 'region'
  /**
   * How far an instance can grow. A module that begins with more is refused with a `RangeError`.
   * `validate` ignores it. Give it to `deserializeModule` as well.
   */
  limits?: ModuleLimits
}

/**
 * Limits of an instance, for programs that you did not write. Give at least one: none at all, or
 * an unknown name, is a `TypeError`. The module is compiled with lower maxima: growth beyond them
 * fails as it does at a declared maximum (-1 in the program, a `RangeError` in JavaScript), and an
 * imported memory or table that can grow further is a `LinkError`. Offsets in stack traces may
 * differ from those in the original bytes by some bytes.
 */
export interface ModuleLimits {
  /**
   * Pages of 64 KiB that all memories of an instance can have together, imported ones included: an
   * integer from 0. Beyond the declared minima, the first memory gets what it can take, then the
   * next one.
   */
  memoryPages?: number
  /** Elements that all tables of an instance can have together, in the same way. */
  tableEntries?: number
}

/** Name and kind of an export. */
export interface ModuleExportDescriptor {
  kind: ImportExportKind
  name: string
}

/** Name and kind of an import. */
export interface ModuleImportDescriptor {
  kind: ImportExportKind
  module: string
  name: string
}

/** A compiled module, without state. It can have any number of instances. */
export interface Module {
  readonly [Symbol.toStringTag]: string
}

export interface ModuleConstructor {
  readonly prototype: Module
  /**
   * Compiles `bytes` synchronously.
   *
   * @throws {CompileError} if they are no valid module.
   */
  new (bytes: BytesSource, options?: CompileOptions): Module
  /** Copies of all custom sections with that name. */
  customSections(module: Module, sectionName: string): ArrayBuffer[]
  exports(module: Module): ModuleExportDescriptor[]
  imports(module: Module): ModuleImportDescriptor[]
}

/** An instance of a module, with its state. */
export interface Instance {
  /** A frozen object without a prototype. The same value is the same object wherever it appears. */
  readonly exports: Exports
  readonly [Symbol.toStringTag]: string
}

export interface InstanceConstructor {
  readonly prototype: Instance
  /**
   * Instantiates `module`, and runs its start function if it has one.
   *
   * @throws {LinkError} if an import has the wrong type.
   * @throws {TypeError} if imports are missing.
   */
  new (module: Module, imports?: Imports): Instance
}

/** Sizes of a memory, in pages of 64 KiB. `bigint` where `address` is `'i64'`. */
export interface MemoryDescriptor {
  /**
   * Host bytes that become the memory, see {@link Memory.attach}. `initial` is then the size of the
   * memory's own bytes, which `attach(null)` restores; default 0.
   */
  host?: HostRegion
  /** Required without `host`. */
  initial?: number | bigint
  maximum?: number | bigint
  /** Not supported: `true` is a `TypeError`. */
  shared?: boolean
  address?: AddressType
}

export interface Memory {
  /**
   * The bytes of the memory. When the memory grows or is attached, this buffer is detached, and the
   * next access returns a new one.
   *
   * @throws {RangeError} if the memory is larger than an `ArrayBuffer` can be
   *   (`buffer.constants.MAX_LENGTH` bytes).
   * @throws {TypeError} if the memory is shared.
   */
  readonly buffer: ArrayBuffer
  /**
   * Grows by `delta` pages of 64 KiB.
   *
   * @returns the previous size in pages.
   * @throws {RangeError} if there is not enough memory, the maximum is exceeded, or a region is
   *   attached.
   */
  grow(delta: number): number
  grow(delta: bigint): bigint
  /**
   * Makes the bytes of `region` the memory, or restores the memory's own bytes with `null`. This
   * takes effect at once for all instances that use the memory, now or later, also for functions
   * that are running. {@link buffer} is detached, and the next one aliases the region. If the
   * region borrows an `ArrayBuffer`, `buffer` is that buffer, which is never detached here; if the
   * region is only a part of it, `buffer` is a `TypeError`.
   *
   * Address 0 is the first byte of the region; accesses beyond `region.byteLength - 1` trap. While
   * attached, `memory.size` returns whole pages of 64 KiB, `memory.grow` in a module fails (-1),
   * and `grow()` throws a `RangeError`.
   *
   * The memory keeps the region alive, and `region.close()` throws.
   *
   * An instance with a region of its own (`setWasmInstanceRawMemory`, `ChunkFeeder`) keeps that
   * until it is reset.
   *
   * @throws {TypeError} if `region` is neither a region nor `null`, is closed, or its borrowed
   *   `ArrayBuffer` is detached.
   * @throws {RangeError} if the region (with `null`: the memory's own bytes) is smaller than the
   *   minimum that the modules of its instances declare, or larger than addresses reach: 4 GiB,
   *   2^48 bytes with 64-bit addresses.
   */
  attach(region: HostRegion | null): void
  readonly [Symbol.toStringTag]: string
}

export interface MemoryConstructor {
  readonly prototype: Memory
  new (descriptor: MemoryDescriptor): Memory
}

/** Sizes of a table, in elements. `bigint` where `address` is `'i64'`. */
export interface TableDescriptor {
  element: TableKind
  initial: number | bigint
  maximum?: number | bigint
  address?: AddressType
}

export interface Table {
  readonly length: number
  /** @throws {RangeError} if `index` is out of bounds. */
  // biome-ignore lint/suspicious/noExplicitAny: elements are functions of any signature, or anything at all
  get(index: number | bigint): any
  grow(delta: number | bigint, value?: unknown): number
  set(index: number | bigint, value?: unknown): void
  readonly [Symbol.toStringTag]: string
}

export interface TableConstructor {
  readonly prototype: Table
  new (descriptor: TableDescriptor, value?: unknown): Table
}

export interface GlobalDescriptor {
  value: ValueType
  /** Default `false`. */
  mutable?: boolean
}

export interface Global {
  /** @throws {TypeError} on assignment if the global is immutable. */
  // biome-ignore lint/suspicious/noExplicitAny: depends on the type of the global
  value: any
  // biome-ignore lint/suspicious/noExplicitAny: depends on the type of the global
  valueOf(): any
  readonly [Symbol.toStringTag]: string
}

export interface GlobalConstructor {
  readonly prototype: Global
  new (descriptor: GlobalDescriptor, value?: unknown): Global
}

export interface TagDescriptor {
  parameters: ValueType[]
}

/** A type of exceptions. */
export interface Tag {
  readonly [Symbol.toStringTag]: string
}

export interface TagConstructor {
  readonly prototype: Tag
  new (descriptor: TagDescriptor): Tag
}

export interface ExceptionOptions {
  /** Whether `stack` is recorded. */
  traceStack?: boolean
}

/** An exception of WebAssembly code. Errors that JavaScript throws pass through unchanged. */
export interface Exception {
  readonly stack: string | undefined
  is(tag: Tag): boolean
  // biome-ignore lint/suspicious/noExplicitAny: depends on the types of the tag
  getArg(tag: Tag, index: number): any
  readonly [Symbol.toStringTag]: string
}

export interface ExceptionConstructor {
  readonly prototype: Exception
  new (tag: Tag, payload: Iterable<unknown>, options?: ExceptionOptions): Exception
}

/** The module is not valid. The same class as in the global namespace. */
export interface CompileError extends Error {}
/** An import has the wrong type. The same class as in the global namespace. */
export interface LinkError extends Error {}
/** WebAssembly code trapped. The same class as in the global namespace. */
export interface RuntimeError extends Error {}

export interface ErrorClass<TError extends Error> {
  readonly prototype: TError
  new (message?: string, options?: { cause?: unknown }): TError
  (message?: string, options?: { cause?: unknown }): TError
}

/** A module and its first instance. */
export interface InstantiatedSource {
  module: Module
  instance: Instance
}

/**
 * The argument of the streaming functions: a `Response` of type `application/wasm`, or a promise of
 * one.
 */
export interface ResponseLike {
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  arrayBuffer(): Promise<ArrayBuffer>
}

export interface WebAssemblyNamespace {
  readonly Module: ModuleConstructor
  readonly Instance: InstanceConstructor
  readonly Memory: MemoryConstructor
  readonly Table: TableConstructor
  readonly Global: GlobalConstructor
  readonly Tag: TagConstructor
  readonly Exception: ExceptionConstructor
  /** The tag of exceptions that JavaScript throws. */
  readonly JSTag: Tag
  readonly CompileError: ErrorClass<CompileError>
  readonly LinkError: ErrorClass<LinkError>
  readonly RuntimeError: ErrorClass<RuntimeError>
  /**
   * Compiles on threads of the engine. Rejects with a `CompileError` if `bytes` are no valid
   * module.
   */
  compile(bytes: BytesSource, options?: CompileOptions): Promise<Module>
  compileStreaming(
    source: ResponseLike | PromiseLike<ResponseLike>,
    options?: CompileOptions,
  ): Promise<Module>
  instantiate(
    bytes: BytesSource,
    imports?: Imports,
    options?: CompileOptions,
  ): Promise<InstantiatedSource>
  instantiate(module: Module, imports?: Imports): Promise<Instance>
  instantiateStreaming(
    source: ResponseLike | PromiseLike<ResponseLike>,
    imports?: Imports,
    options?: CompileOptions,
  ): Promise<InstantiatedSource>
  validate(bytes: BytesSource, options?: CompileOptions): boolean
  readonly [Symbol.toStringTag]: string
}
