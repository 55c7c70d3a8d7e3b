/**
 * WebAssembly on memory that your program already has.
 *
 * ```ts
 * import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
 *
 * const table = HostRegion.mapFile('lineitem.bin')
 * const { instance } = await WebAssembly.instantiate(bytes, imports)
 * setWasmInstanceRawMemory(instance, table.subarray(0, 2 * 1024 ** 3))
 * instance.exports.run()
 * setWasmInstanceRawMemory(instance, null)
 * table.close()
 * ```
 *
 * @module
 */

/// <reference types="node" />

import type * as backend from './backend.d.ts'
import type { RunWithLimits } from './call-limits.d.ts'
import type * as feeder from './chunk-feeder.d.ts'
import type * as profile from './cpu-profile.d.ts'
import type * as region from './host-region.d.ts'
import type * as windows from './host-windows.d.ts'
import type * as debug from './inspector.d.ts'
import type * as source from './source-frame.d.ts'
import type * as host from './wasi.d.ts'
import type * as api from './web-assembly.d.ts'
import type * as workers from './workers.d.ts'

export type { Backend, BackendName, BackendStatus, RawMemoryOptions } from './backend.d.ts'
export type { CallLimits, RunWithLimits } from './call-limits.d.ts'
export type {
  ChunkFeederConstructor,
  ChunkFeederOptions,
  FeederProgress,
} from './chunk-feeder.d.ts'
export type { CpuProfileHandle, CpuProfileOptions } from './cpu-profile.d.ts'
export type {
  AllocateOptions,
  ComposeOptions,
  HostRegionConstructor,
  MapFileOptions,
  RegionPart,
  SharedRegion,
  ViewConstructor,
} from './host-region.d.ts'
export type {
  HostWindowsConstructor,
  HostWindowsOptions,
  WindowFunctions,
  WindowProgress,
} from './host-windows.d.ts'
export type { Inspector } from './inspector.d.ts'
export type { SourceFrame } from './source-frame.d.ts'
export type { ProgramExit, Wasi, WasiOptions } from './wasi.d.ts'
export type {
  ExportResult,
  MemoryArray,
  MemoryArrayType,
  MemoryValues,
  ParallelScanOptions,
  PoolScanOptions,
  RunOnWorkerOptions,
  ScanPoolOptions,
  WorkerWasiOptions,
} from './workers.d.ts'

/**
 * The `WebAssembly` namespace of the default backend, which is usually the patched V8 of this
 * package; see {@link openBackend}. Use it instead of the global namespace.
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
  type ModuleLimits = api.ModuleLimits
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

/** Makes regions: `allocate`, `mapFile`, `compose`, `from`, `at`, `open`. */
export declare const HostRegion: region.HostRegionConstructor

/** Bytes of this process that a WebAssembly instance can be pointed at, without a copy. */
export type HostRegion<TArrayBuffer extends ArrayBufferLike = ArrayBufferLike> =
  region.HostRegion<TArrayBuffer>

/** Shows regions to a program from any compiler, beside the program's own memory. */
export declare const HostWindows: windows.HostWindowsConstructor

export type HostWindows = windows.HostWindows

/** Slides a window over a region. The module moves it with an imported function. */
export declare const ChunkFeeder: feeder.ChunkFeederConstructor

export type ChunkFeeder = feeder.ChunkFeeder

/**
 * Calls a function, and ends the WebAssembly code that it runs when a limit of time or stack is
 * passed, or when it is told to: see {@link RunWithLimits}.
 *
 * ```ts
 * const sum = runWithLimits({ timeout: 50 }, instance.exports.sum, 0, 1000)
 * ```
 */
export declare const runWithLimits: RunWithLimits

/**
 * Points a memory of `instance` at the bytes of `region`, or back at its own memory. This takes
 * effect at once, also for functions that are running, so an imported function can map the next
 * window.
 *
 * Address 0 is the first byte of the region; accesses beyond `region.byteLength - 1` trap. While
 * attached, `memory.size` returns whole pages of 64 KiB, and `memory.grow` fails (-1). Only this
 * instance changes. Its `WebAssembly.Memory`, the memory's `buffer` and other instances do not.
 *
 * The instance keeps the region alive, and `region.close()` throws. The next call for the same
 * memory, or the collection of the instance, releases the region. A window of a {@link ChunkFeeder}
 * is replaced, until the next call of its `next`.
 *
 * @param instance An instance made by this package's `WebAssembly`.
 * @param region The bytes, or `null` for the instance's own memory.
 * @param memoryIndex Index of the memory: imported memories first, then defined ones. Default 0.
 * @param options `overOwnData: true` hides data that the program keeps in the memory itself.
 * @throws {TypeError} if `instance` is no instance, `region` is neither a region nor `null`, the
 *   region is closed, its borrowed `ArrayBuffer` is detached, the memory is shared, or the program
 *   keeps data of its own there (see `overOwnData`).
 * @throws {RangeError} if there is no such memory, or if the region has fewer bytes than the
 *   declared minimum or more than addresses reach (4 GiB; 2^48 bytes for a 64-bit memory).
 */
export declare function setWasmInstanceRawMemory(
  instance: api.Instance,
  region: HostRegion | null,
  memoryIndex?: number,
  options?: backend.RawMemoryOptions,
): void

/**
 * Shows a region in a host window of memory 0; `null` empties the window. This takes effect at
 * once, also for functions of the instance that are running. {@link HostWindows} is for programs
 * that move their windows themselves.
 *
 * Window k begins at address 0x80000000 + k * 0x10000000. A region of more than 256 MiB continues
 * in the following windows, and ends at least 64 KiB before the next window that shows another
 * region. The instance keeps the region alive, and `region.close()` throws while it is shown.
 *
 * @param window an integer from 0 to 7.
 * @param memoryIndex 0, the only memory that has windows.
 * @throws {TypeError} if `instance` is no instance or has no host windows, or `region` is neither a
 *   region nor `null`, is closed, or its borrowed `ArrayBuffer` is detached.
 * @throws {RangeError} if `window` is out of range, the region is larger than the addresses that
 *   are left, or another window is in its way.
 */
export declare function setWasmInstanceWindow(
  instance: api.Instance,
  region: HostRegion | null,
  window: number,
  memoryIndex?: number,
): void

/**
 * Returns the optimised code that `module` has now, for {@link deserializeModule}, also in another
 * process.
 *
 * Functions are compiled when they are first called. So call this after the module has run, or set
 * `V8_RAWMEM_FLAGS='--no-wasm-lazy-compilation'`. Missing functions are compiled later, as usual.
 *
 * @throws {TypeError} if `module` is no module.
 */
export declare function serializeModule(module: api.Module): Uint8Array<ArrayBuffer>

/**
 * Returns the module of `bytes` with the code from {@link serializeModule}, without compiling it.
 *
 * A checksum finds damaged and foreign caches. It is not a signature: a cache decides what runs in
 * this process, so load caches only from where you would load native code.
 *
 * @param cache The result of `serializeModule`.
 * @param bytes The bytes that the module was compiled from.
 * @param options The options that the module was compiled with.
 * @throws {TypeError} if the cache is damaged, or belongs to other bytes, other options, another
 *   engine version, other flags or another processor. Compile the module then.
 */
export declare function deserializeModule(
  cache: api.BytesSource,
  bytes: api.BytesSource,
  options?: api.CompileOptions,
): api.Module

/**
 * Records which functions of the patched V8 run on this thread, and for how long.
 *
 * ```ts
 * const profile = startCpuProfile()
 * instance.exports.run()
 * writeFileSync('run.cpuprofile', profile.stop())
 * ```
 *
 * Chrome DevTools and speedscope open the file. It shows WebAssembly functions by the names in the
 * module's name section.
 *
 * @throws {TypeError} or {RangeError} if `samplingInterval` is no integer in its range.
 * @throws {Error} if the addon has no V8 inside, if more than 100 profiles are recorded on this
 *   thread, or if Node or another library records one.
 */
export declare function startCpuProfile(
  options?: profile.CpuProfileOptions,
): profile.CpuProfileHandle

/**
 * Finds the files and lines of the functions on an error's stack, from the module's DWARF or source
 * map. Functions that the compiler inlined are frames of their own.
 *
 * ```ts
 * try {
 *   instance.exports.run()
 * } catch (error) {
 *   for (const { function: name, file, line } of await symbolicate(error, bytes)) {
 *     console.error(`${name} (${file}:${line})`)
 *   }
 * }
 * ```
 *
 * DWARF needs `llvm-symbolizer`: the program that `LLVM_SYMBOLIZER_PATH` names, the one on the
 * `PATH`, or else that of the npm package `@yowasp/clang`, which takes seconds.
 *
 * @param error The error, of any backend or worker, or its stack.
 * @param module The bytes that the module was compiled from.
 * @param symbols Where the lines are, if not in the module: the content of its source map, or the
 *   bytes of the same module with DWARF. Default: the module itself.
 * @returns the frames of this module, the innermost first. None if the stack has none of it.
 * @throws {TypeError} (as a rejection) if `error` has no stack, or `module` is no module.
 * @throws {Error} if there is neither DWARF nor a source map, if `symbols` are of another program
 *   or damaged, or if there is no `llvm-symbolizer`. The message says what to do.
 */
export declare function symbolicate(
  error: Error | string,
  module: api.BytesSource,
  symbols?: api.BytesSource | string,
): Promise<source.SourceFrame[]>

/**
 * Opens the V8 inside to Chrome DevTools and other clients of its protocol, as `node:inspector` does
 * with Node's own.
 */
export declare const inspector: debug.Inspector

/**
 * Opens a backend.
 *
 * Several backends can be in use at the same time. Opening one twice returns the same object.
 *
 * @param name Default: the backend behind the plain exports of this package. That is the one named
 *   by the environment variable `V8_RAWMEM_BACKEND`, else the first available of `'patched'`,
 *   `'node-raw'`, `'node-rewire'`.
 * @throws {TypeError} if there is no backend of that name.
 * @throws {Error} with the reason, if the backend is not available here. If `V8_RAWMEM_BACKEND`
 *   names it, importing the package fails with that error.
 */
export declare function openBackend(name?: backend.BackendName): backend.Backend

/** All backends, and whether each works in this process or why not. */
export declare function backends(): backend.BackendStatus[]

/**
 * Runs a program over a region on a worker thread, window by window as with a `ChunkFeeder`. This
 * thread stays free. Nothing is copied: the worker opens the region, see {@link HostRegion.share}.
 *
 * ```ts
 * const sum = await runOnWorker(bytes, table, {
 *   onProgress: ({ position }) => bar.update(position),
 * })
 * ```
 *
 * When the promise settles, the thread has ended and released the region. Until then the bytes
 * stay, even after `region.close()`.
 *
 * @param bytes The module, copied at once.
 * @param region Any region except one over an `ArrayBuffer`, which belongs to this thread.
 * @returns the result of the export: a number, a bigint, `undefined`, or an array of several
 *   results.
 * @throws {TypeError} or {RangeError} (as a rejection) for invalid arguments or options, for a
 *   region that cannot be shared, and for a module without that export or with other imports; the
 *   message lists what the module has.
 * @throws {CompileError} if `bytes` are no valid module.
 * @throws {RuntimeError} if the program traps. Errors of the program keep their message and stack
 *   from the worker, with the frames of the module.
 * @throws `signal.reason` if `signal` was aborted.
 */
export declare function runOnWorker<TResult = workers.ExportResult>(
  bytes: api.BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: workers.RunOnWorkerOptions,
): Promise<TResult>

/**
 * Runs a program over the parts of a region on worker threads, and merges the results.
 *
 * ```ts
 * const sum = await parallelScan(bytes, table, {
 *   recordBytes: 16,
 *   merge: (sums: bigint[]) => sums.reduce((total, sum) => total + sum),
 * })
 * ```
 *
 * Each part has its own instance and is a contiguous part of the region. If one program fails, the
 * others stop, and the promise rejects with that error when all threads have ended. Progress is the
 * sum over the parts. For queries one after the other, use a {@link ScanPool}: its threads stay.
 *
 * @param bytes The module, copied at once.
 * @param region Any region except one over an `ArrayBuffer`.
 * @returns the result of `merge`.
 * @throws as {@link runOnWorker}, and the error of `merge`.
 */
export declare function parallelScan<TResult = workers.ExportResult, TMerged = TResult[]>(
  bytes: api.BytesSource,
  region: HostRegion | readonly (HostRegion | null)[],
  options?: workers.ParallelScanOptions<TResult, TMerged>,
): Promise<TMerged>

export declare const ScanPool: workers.ScanPoolConstructor
export type ScanPool = workers.ScanPool

/**
 * Makes the imports of a program that is compiled for WASI preview 1 (`wasm32-wasip1`), so that
 * `printf`, `println!` and the like work.
 *
 * ```ts
 * const host = wasi({ args: ['trades', '--verbose'] })
 * const { instance } = await WebAssembly.instantiate(bytes, { ...host.imports, ...windows.imports })
 * process.exitCode = host.start(instance)
 * ```
 *
 * The functions are those of `node:wasi`; what they read and write is copied between the program's
 * memory and one of Node's. Addresses in host windows work too. Bytes that lie neither in the
 * program's own memory nor in one window are the error `EFAULT`.
 *
 * @throws {TypeError} if an option has the wrong type.
 * @throws {Error} if a folder of `preopens` cannot be opened.
 */
export declare function wasi(options?: host.WasiOptions): host.Wasi

/** What is running. */
export interface EngineVersion {
  /** Version of this package. */
  readonly package: string
  /**
   * Version of the V8 under the default backend, as `major.minor.build.patch`: the patched V8, or
   * Node's own.
   */
  readonly v8: string
}

export declare const version: EngineVersion
