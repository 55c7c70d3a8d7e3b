/**
 * The `WebAssembly` namespace of the WebAssembly JavaScript Interface, run by the engine inside of v8-rawmem. Members
 * have the same names, signatures and behaviour as those of the global namespace, so that generated glue code runs when
 * it is handed this one. Objects of the two namespaces do not mix: the global one knows nothing of modules, instances and
 * memories made here, and the other way round.
 */

import type { HostRegion } from './host-region.d.ts'

/** What an import or export is. */
export type ImportExportKind = 'function' | 'table' | 'memory' | 'global' | 'tag'

/** Types of values. The `ref` types also take what the proposals that the engine ships add to them. */
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

/** The bytes of a module. They are copied before anything is done with them. */
export type BytesSource = ArrayBufferLike | ArrayBufferView

/** What a module imports: one object per module name, with a value per name. */
export type Imports = Record<string, Record<string, ImportValue>>

/** Anything that an import may be. */
export type ImportValue =
  | Exports[string]
  | number
  | bigint
  // biome-ignore lint/suspicious/noExplicitAny: functions of any signature can be imported
  | ((...args: any[]) => any)
  | object
  | null
  | undefined

/** What an instance exports. Callers know the types, so the members are open. */
// biome-ignore lint/suspicious/noExplicitAny: the types of exports are known to the module only
export type Exports = Record<string, any>

/**
 * Which of the engine's compilers make the code of a module.
 *
 * - `'optimize'`: every function is compiled by the optimising compiler (Turboshaft) when it is called first.
 * - `'dynamic'`: functions start in code of the baseline compiler (Liftoff), quickly made and some three times slower, and
 *   are replaced by optimised code when they prove hot. A call that is running is never replaced, so a program that does
 *   all of its work in one call stays slow.
 * - `'baseline'`: code of the baseline compiler only.
 */
export type Tiering = 'optimize' | 'dynamic' | 'baseline'

/** How to compile a module. */
export interface CompileOptions {
  /** Builtin modules that need not be imported, such as `'js-string'`. */
  builtins?: string[]
  /** Name of the module whose imported globals are strings, called like their value. */
  importedStringConstants?: string
  /**
   * Default: what the environment variable `V8_RAWMEM_TIERING` says; without it `'optimize'` for modules with less than
   * 256 KiB of code, which covers compute kernels, and `'dynamic'` for larger ones.
   */
  tiering?: Tiering
  /**
   * Whether memory 0 has host windows at addresses from 2 GiB, see `HostWindows`. Default: whether the module imports functions
   * from `rawmem`.
   */
  hostWindows?: boolean
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

/** A compiled module. It has no state, and any number of instances. */
export interface Module {
  readonly [Symbol.toStringTag]: string
}

export interface ModuleConstructor {
  readonly prototype: Module
  /**
   * Compiles `bytes` on the spot.
   *
   * @throws {CompileError} if they are no valid module.
   */
  new (bytes: BytesSource, options?: CompileOptions): Module
  /** Copies of all custom sections of that name. */
  customSections(module: Module, sectionName: string): ArrayBuffer[]
  exports(module: Module): ModuleExportDescriptor[]
  imports(module: Module): ModuleImportDescriptor[]
}

/** A module with its state. */
export interface Instance {
  /** Frozen, without a prototype. The same values have the same identity wherever they appear. */
  readonly exports: Exports
  readonly [Symbol.toStringTag]: string
}

export interface InstanceConstructor {
  readonly prototype: Instance
  /**
   * Runs the start function, if there is one.
   *
   * @throws {LinkError} if an import does not fit.
   * @throws {TypeError} if imports are missing.
   */
  new (module: Module, imports?: Imports): Instance
}

/** Sizes of a memory, in pages of 64 KiB. `bigint` where `address` is `'i64'`. */
export interface MemoryDescriptor {
  /**
   * Bytes of the host that are to be the memory, see {@link Memory.attach}. `initial` then is the size of the memory's own
   * bytes, to which `attach(null)` goes back; default 0.
   */
  host?: HostRegion
  /** Required, unless there is a `host`. */
  initial?: number | bigint
  maximum?: number | bigint
  /** Shared memories are not supported: a `TypeError`. */
  shared?: boolean
  address?: AddressType
}

export interface Memory {
  /**
   * The bytes of the memory. The same object until the memory grows or is attached, by whatever means; then it is detached, and the next
   * access gives a new one.
   *
   * @throws {RangeError} if the memory is larger than an `ArrayBuffer` of this Node may be (`buffer.constants.MAX_LENGTH`).
   * @throws {TypeError} if the memory is shared.
   */
  readonly buffer: ArrayBuffer
  /**
   * Grows by `delta` pages.
   *
   * @returns the size before, in pages.
   * @throws {RangeError} if there is no room, the maximum is reached, or a region is attached.
   */
  grow(delta: number): number
  grow(delta: bigint): bigint
  /**
   * Makes the bytes of `region` the memory, or with `null` the memory's own bytes again: for all instances that use it,
   * now or later, at once, also for functions that are running. {@link buffer} is detached, as when a memory grows; the
   * next one aliases the region. (Where the region borrows an `ArrayBuffer`, `buffer` is that one itself, which is never
   * detached by this, and a `TypeError` if the region is only a part of it.)
   *
   * The first byte of the region is address 0, the last one address `region.byteLength - 1`; accesses beyond it trap.
   * While attached, `memory.size` gives the size in whole pages of 64 KiB, rounded down, `memory.grow` in a module fails
   * (-1), and `grow()` throws a `RangeError`.
   *
   * The memory keeps the region alive, and while it is attached, `region.close()` throws.
   *
   * An instance that has memory of its own by `setWasmInstanceRawMemory`, or a window of a `ChunkFeeder`, keeps that, until it
   * is reset.
   *
   * @throws {TypeError} if `region` is neither a region nor `null`, is closed, or its borrowed `ArrayBuffer` is detached.
   * @throws {RangeError} if the region (with `null`: what the memory has of its own) has fewer bytes than the minimum that
   *   the modules of its instances declare, or more than addresses reach: 4 GiB, for 64-bit addresses 2^48 bytes.
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
  /** @throws {TypeError} on assignment to an immutable one. */
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

/** A kind of exception. */
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

/** What WebAssembly code throws. An error that JavaScript threw passes through as itself. */
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
/** Imports do not fit. The same class as in the global namespace. */
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

/** What streaming functions take: a `Response` of type `application/wasm`, or a promise of one. */
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
  /** The tag of exceptions that JavaScript threw. */
  readonly JSTag: Tag
  readonly CompileError: ErrorClass<CompileError>
  readonly LinkError: ErrorClass<LinkError>
  readonly RuntimeError: ErrorClass<RuntimeError>
  /** Compiles on threads of the engine. Rejects with a `CompileError` if `bytes` are no valid module. */
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
