/**
 * WebAssembly on memory that it did not allocate.
 *
 * ```ts
 * import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
 *
 * using table = HostRegion.mapFile('lineitem.bin')
 * const { instance } = await WebAssembly.instantiate(bytes, imports)
 * setWasmInstanceRawMemory(instance, table.subarray(0, 2 * 1024 ** 3))
 * instance.exports.run()
 * ```
 *
 * @module
 */

/// <reference types="node" />

import type * as backend from './backend.d.ts'
import type * as feeder from './chunk-feeder.d.ts'
import type * as region from './host-region.d.ts'
import type * as windows from './host-windows.d.ts'
import type * as host from './wasi.d.ts'
import type * as api from './web-assembly.d.ts'
import type * as workers from './workers.d.ts'

export type { Backend, BackendName, BackendStatus, RawMemoryOptions } from './backend.d.ts'
export type {
  ChunkFeederConstructor,
  ChunkFeederOptions,
  FeederProgress,
} from './chunk-feeder.d.ts'
export type {
  AllocateOptions,
  HostRegionConstructor,
  MapFileOptions,
  SharedRegion,
  ViewConstructor,
} from './host-region.d.ts'
export type {
  HostWindowsConstructor,
  HostWindowsOptions,
  WindowFunctions,
  WindowProgress,
} from './host-windows.d.ts'
export type { ProgramExit, Wasi, WasiOptions } from './wasi.d.ts'
export type { WorkerWasiOptions } from './workers.d.ts'

/**
 * The `WebAssembly` namespace of the backend in use, in place of the global one. By default that of the engine inside of
 * this package; see {@link openBackend}.
 */
export declare const WebAssembly: api.WebAssemblyNamespace

export declare namespace WebAssembly {
  type AddressType = api.AddressType
  type BytesSource = api.BytesSource
  type CompileError = api.CompileError
  type CompileOptions = api.CompileOptions
  type Exception = api.Exception
  type ExceptionOptions = api.ExceptionOptions
  type Exports = api.Exports
  type Global = api.Global
  type GlobalDescriptor = api.GlobalDescriptor
  type ImportExportKind = api.ImportExportKind
  type ImportValue = api.ImportValue
  type Imports = api.Imports
  type Instance = api.Instance
  type InstantiatedSource = api.InstantiatedSource
  type LinkError = api.LinkError
  type Memory = api.Memory
  type MemoryDescriptor = api.MemoryDescriptor
  type Module = api.Module
  type ModuleExportDescriptor = api.ModuleExportDescriptor
  type ModuleImportDescriptor = api.ModuleImportDescriptor
  type ResponseLike = api.ResponseLike
  type RuntimeError = api.RuntimeError
  type Table = api.Table
  type TableDescriptor = api.TableDescriptor
  type TableKind = api.TableKind
  type Tag = api.Tag
  type TagDescriptor = api.TagDescriptor
  type Tiering = api.Tiering
  type ValueType = api.ValueType
}

/** Makes regions: `allocate`, `mapFile`, `from`, `at`, `open`. */
export declare const HostRegion: region.HostRegionConstructor

/** Bytes of this process that a WebAssembly instance can be pointed at. */
export type HostRegion<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> =
  region.HostRegion<TArrayBuffer>

/** Shows regions to a program of any compiler, beside the memory of its own. */
export declare const HostWindows: windows.HostWindowsConstructor

export type HostWindows = windows.HostWindows

/** Slides a window over a region, moved by a function that the module imports. */
export declare const ChunkFeeder: feeder.ChunkFeederConstructor

export type ChunkFeeder = feeder.ChunkFeeder

/**
 * Points a memory of `instance` at the bytes of `region`, or back at the memory that the module declares. Takes effect at
 * once, also for functions of the instance that are running, so a function that the module imports can use this to bring
 * on the next window.
 *
 * The first byte of the region is address 0, the last one address `region.byteLength - 1`; accesses beyond it trap. While
 * attached, `memory.size` gives the size in whole pages of 64 KiB, and `memory.grow` in the module fails (-1). Only this
 * instance is affected: not the `WebAssembly.Memory` that it may export or import, nor its `buffer`, nor other instances.
 *
 * The instance keeps the region alive, and while it is attached, `region.close()` throws. It is released by the next call for
 * the same memory, or when the instance is collected. Where a {@link ChunkFeeder} has mapped a window, that one goes, and
 * comes back with the next call of the feeder's `next`.
 *
 * @param instance An instance made by this package's `WebAssembly`.
 * @param region The bytes, or `null` for the instance's own memory.
 * @param memoryIndex Which memory, for modules with several; in the order of imports, then definitions. Default 0.
 * @throws {TypeError} if `instance` is no instance, `region` neither a region nor `null`, the region is closed, its borrowed
 *   `ArrayBuffer` is detached, the memory is shared, or the program keeps things of its own there (see `overOwnData`).
 * @throws {RangeError} if there is no such memory, the region has fewer bytes than the minimum that the module declares, or
 *   more than addresses reach (4 GiB; for a 64-bit memory 2^48 bytes).
 */
export declare function setWasmInstanceRawMemory(
  instance: api.Instance,
  region: HostRegion | null,
  memoryIndex?: number,
  options?: backend.RawMemoryOptions,
): void

/**
 * Shows a region in a host window of memory 0, or with `null` nothing. Takes effect at once, also for functions of the
 * instance that are running. {@link HostWindows} do this for programs that move their windows themselves.
 *
 * Window k begins at address 0x80000000 + k * 0x10000000. A region of more than 256 MiB goes on in the following windows, and
 * ends at least 64 KiB before the next one that shows another region. The instance keeps the region alive, and while it is
 * shown, `region.close()` throws.
 *
 * @param window an integer from 0 to 7.
 * @param memoryIndex 0, the only memory that has windows.
 * @throws {TypeError} if `instance` is no instance or has no host windows, or `region` is neither a region nor `null`, is
 *   closed, or its borrowed `ArrayBuffer` is detached.
 * @throws {RangeError} if `window` is out of range, the region is larger than the addresses that are left, or another window
 *   is in its way.
 */
export declare function setWasmInstanceWindow(
  instance: api.Instance,
  region: HostRegion | null,
  window: number,
  memoryIndex?: number,
): void

/**
 * The optimised code that `module` has at present, as bytes that {@link deserializeModule} takes, also in another process.
 *
 * Only optimised code is in it. Modules are compiled function by function, when each is called first: serialize after the
 * module has run, or under `V8_RAWMEM_FLAGS='--no-wasm-lazy-compilation'`. What is missing is compiled later, as usual.
 *
 * @throws {TypeError} if `module` is no module.
 */
export declare function serializeModule(module: api.Module): Uint8Array<ArrayBuffer>

/**
 * The module of `bytes`, with code that {@link serializeModule} gave, without compiling it again.
 *
 * A checksum tells damaged caches and those of other modules or versions. It is no signature: whoever makes a cache decides
 * what runs in this process, so load caches only from where you would load native code.
 *
 * @param cache What `serializeModule` returned.
 * @param bytes The bytes that the module was compiled from.
 * @throws {TypeError} if the cache is damaged, or belongs to other bytes, another version of the engine, an engine with
 *   other flags, another processor, or a module compiled with `builtins` or `importedStringConstants`. Compile the module
 *   then.
 */
export declare function deserializeModule(
  cache: api.BytesSource,
  bytes: api.BytesSource,
): api.Module

/**
 * A backend by name, or without one the backend behind `WebAssembly`, `HostRegion` and `setWasmInstanceRawMemory` of this
 * package: the one that the environment variable `V8_RAWMEM_BACKEND` names, otherwise the first one that is available of
 * `'patched'`, `'node-raw'`, `'node-rewire'`.
 *
 * Opening one twice gives the same object. Several may be in use at the same time.
 *
 * @throws {TypeError} if there is no backend of that name.
 * @throws {Error} if it is not available here, with the reason. (If `V8_RAWMEM_BACKEND` names such a one, importing the
 *   package fails with that error.)
 */
export declare function openBackend(name?: backend.BackendName): backend.Backend

/** All backends, whether they can be used in this process, and why not. */
export declare function backends(): backend.BackendStatus[]

/**
 * Runs a program over a region on a worker thread, fed window by window as by a `ChunkFeeder`, so that this thread stays free.
 * Nothing is copied: the thread opens the region, see {@link HostRegion.share}.
 *
 * ```ts
 * const sum = await runOnWorker(bytes, table, { onProgress: ({ position }) => bar.update(position) })
 * ```
 *
 * When the promise settles, the thread has ended and has let go of the region. Meanwhile the bytes stay where they are, even
 * if `region.close()` is called.
 *
 * @param bytes The module. It is copied at once.
 * @param region Any region but one over an `ArrayBuffer`, which belongs to this thread.
 * @returns what the export returned: a number or a bigint, `undefined`, or an array of several results.
 * @throws {TypeError} or {RangeError} (as a rejection) for arguments and options that are not as described, for a region that
 *   cannot be shared, and for a module that has no such export or other imports; the message lists those that it has.
 * @throws {CompileError} if `bytes` are no valid module.
 * @throws {RuntimeError} if the program traps. This and every other error of the program has the message and the stack
 *   that it had in the worker, with the frames of the module.
 * @throws `signal.reason` if `signal` was aborted.
 */
export declare function runOnWorker<TResult = workers.ExportResult>(
  bytes: api.BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: workers.RunOnWorkerOptions,
): Promise<TResult>

/**
 * Runs a program over the parts of a region, on a worker thread each, and merges the results.
 *
 * ```ts
 * const sum = await parallelScan(bytes, table, {
 *   recordBytes: 16,
 *   merge: (sums: bigint[]) => sums.reduce((total, sum) => total + sum),
 * })
 * ```
 *
 * Each thread has an instance of its own and sees a contiguous part, from address 0 of its first window on. If one of the programs
 * fails, the others are stopped at once, and the promise is rejected with that error when all threads have ended. Progress
 * is the sum over the parts.
 *
 * @param bytes The module. It is copied at once.
 * @param region Any region but one over an `ArrayBuffer`.
 * @returns what `merge` returned.
 * @throws as {@link runOnWorker}, and what `merge` throws.
 */
export declare function parallelScan<TResult = workers.ExportResult, TMerged = TResult[]>(
  bytes: api.BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: workers.ParallelScanOptions<TResult, TMerged>,
): Promise<TMerged>

/**
 * What programs that are compiled for WASI preview 1 (`wasm32-wasip1`) import, so that `printf`, `println!` and the like work.
 *
 * ```ts
 * const host = wasi({ args: ['trades', '--verbose'] })
 * const { instance } = await WebAssembly.instantiate(bytes, { ...host.imports, ...windows.imports })
 * process.exitCode = host.start(instance)
 * ```
 *
 * The functions are those of `node:wasi`, with what they read and write copied between the program's memory and one of
 * Node's. Addresses in host windows are refused by an error: copy such bytes into the program's own memory first.
 *
 * @throws {TypeError} if an option has the wrong type.
 * @throws {Error} if a folder of `preopens` cannot be opened.
 */
export declare function wasi(options?: host.WasiOptions): host.Wasi

/** What is running. */
export interface EngineVersion {
  /** Of this package. */
  readonly package: string
  /** Of the V8 that the backend in use runs on, as `major.minor.build.patch`: the one inside, or Node's own. */
  readonly v8: string
}

export declare const version: EngineVersion
