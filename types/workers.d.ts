import type { BackendName } from './backend.d.ts'
import type { ChunkFeederOptions, FeederProgress } from './chunk-feeder.d.ts'
import type { HostRegion } from './host-region.d.ts'
import type { WasiOptions } from './wasi.d.ts'
import type { BytesSource, Tiering } from './web-assembly.d.ts'

/** The result of an export on another thread. Several results are an array. */
export type ExportResult = number | bigint | undefined | (number | bigint)[]

/** The type of numbers in memory: integers with a sign or without, and floating point. */
export type MemoryArrayType =
  | 'i8'
  | 'u8'
  | 'i16'
  | 'u16'
  | 'i32'
  | 'u32'
  | 'i64'
  | 'u64'
  | 'f32'
  | 'f64'

/** An array that a program leaves in its memory. */
export interface MemoryArray {
  type: MemoryArrayType
  /** Elements, at least 1. */
  count: number
  /**
   * Where it begins: bytes, of any alignment, or the name of an exported global that holds the
   * address when the program has ended.
   */
  at: number | string
}

/** Numbers from memory, in a typed array of their type. */
export type MemoryValues =
  | Int8Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>

/**
 * What a program of WASI on another thread gets from its host. There are no functions, because they
 * cannot be sent to a thread.
 */
export interface WorkerWasiOptions extends Omit<WasiOptions, 'stdout' | 'stderr'> {
  /** File descriptor. Default: 1. */
  stdout?: number
  /** File descriptor. Default: 2. */
  stderr?: number
}

/** What runs on another thread, and how it is fed. */
export interface RunOnWorkerOptions
  extends Pick<
    ChunkFeederOptions,
    'windowSize' | 'address' | 'memoryIndex' | 'writable' | 'prefetch' | 'release'
  > {
  /**
   * Name of the exported function to call. Default: `'_start'` where the module exports that, and
   * then the result is the exit code of the program; otherwise `'run'`.
   */
  export?: string
  /**
   * Its arguments, as many as it takes: numbers for `i32`, `f32` and `f64`, bigints for `i64`.
   * Default: none.
   */
  args?: readonly (number | bigint)[]
  /**
   * The imported function that maps the next window, as `'module.name'`. Default `'env.next'`. A
   * module that imports from `rawmem` has host windows instead, and takes no `address` and no
   * `memoryIndex`. A module may also import the functions of WASI and AssemblyScript's `env.abort`,
   * and nothing else: functions cannot be sent to a thread.
   */
  next?: string
  /**
   * What a program of WASI gets: arguments, environment, folders. Default: nothing; it writes to
   * stdout and stderr of the process.
   */
  wasi?: WorkerWasiOptions
  /** The backend to run on; see `openBackend`. Default: that of the package's plain exports. */
  backend?: BackendName
  /** Which compilers make the code, see `CompileOptions`. */
  tiering?: Tiering
  /**
   * Called on this thread while the program runs, every 100 ms if there is progress, and at the
   * end. If it throws, the program stops and the promise rejects with that error.
   */
  onProgress?: (progress: FeederProgress) => void
  /**
   * Records a CPU profile of each part, see `startCpuProfile`. Called on this thread when a part is
   * done, also if its program failed, with the content of a `.cpuprofile` file and the number of the
   * part, counted from 0. If it throws, the promise rejects with that error. Only for the backend
   * `patched`.
   */
  onCpuProfile?: (profile: string, part: number) => void
  /**
   * What to read from the memory that the program exports as `memory`, or from the only one that it
   * exports, when the program has ended. Default: nothing.
   */
  arrays?: readonly MemoryArray[]
  /**
   * Called on this thread when a part is done whose program did not fail, with a copy of each of
   * {@link arrays} and the number of the part, counted from 0. If it throws, the promise rejects with
   * that error.
   */
  onArrays?: (arrays: MemoryValues[], part: number) => void
  /**
   * Whether each thread waits for a debugger before its first part, when the module is compiled, and
   * pauses in the first function that runs. Needs an open inspector, see `inspector.open`. Default `false`.
   */
  waitForDebugger?: boolean
  /** Stops the program, also in an endless loop. The promise rejects with `signal.reason`. */
  signal?: AbortSignal
}

/** Options of {@link ScanPool}. */
export interface ScanPoolOptions {
  /**
   * The most threads, from 1 to 1024. Default: `os.availableParallelism()`. There are never more
   * threads than parts: a region of three records gets at most three.
   */
  workers?: number
}

/** Options of {@link ScanPool.scan}. */
export interface PoolScanOptions<TResult = ExportResult, TMerged = TResult[]>
  extends RunOnWorkerOptions {
  /**
   * Into how many parts the regions are divided, from 1 to 2^20, as far as there are records. A
   * thread that is done takes the next part. Default: one for each thread; up to four for each if
   * they still have 8 MiB then.
   */
  parts?: number
  /**
   * Bytes of a record: parts begin at multiples of it, counted from the beginning of the region.
   * Without `windowSize`, the windows are the largest ones of whole records. Default, without
   * `delimiter`: 65536, which suits records whose size is a power of two up to that.
   *
   * Several regions are divided at the same records, so each must have the same number of them.
   * Pass an array with the bytes of a record in each region; `null` shows the whole region to every
   * thread.
   */
  recordBytes?: number | readonly (number | null)[]
  /**
   * The byte that ends a record, as a number from 0 to 255 or a string of one such character
   * (`'\n'`): parts begin right after one. For one region only, and not with `recordBytes`.
   */
  delimiter?: number | string
  /**
   * Combines the results of the parts, in the order of the parts. Even an empty region has one
   * part. May return a promise. Default: returns the array.
   */
  merge?: (results: TResult[]) => TMerged | PromiseLike<TMerged>
}

/** Options of `parallelScan`. */
export interface ParallelScanOptions<TResult = ExportResult, TMerged = TResult[]>
  extends ScanPoolOptions,
    PoolScanOptions<TResult, TMerged> {}

/**
 * Threads that run one scan after the other: for queries that take milliseconds, less than a thread
 * takes to start.
 *
 * ```ts
 * const pool = new ScanPool()
 * const count = await pool.scan(bytes, table, { merge: sum })
 * await pool.close()
 * ```
 *
 * Threads start when they are needed, and keep the modules that they have compiled last. Threads
 * without work do not keep the process alive. A scan that fails or is aborted leaves the pool
 * usable.
 */
export interface ScanPool {
  /** The most threads. */
  readonly workers: number

  /**
   * Runs a program over the parts of a region, as `parallelScan` does. Several scans can run at a
   * time; parts wait for a thread.
   *
   * @throws as `parallelScan`, and {@link TypeError} if the pool is closed.
   */
  scan<TResult = ExportResult, TMerged = TResult[]>(
    bytes: BytesSource,
    region: HostRegion | readonly (HostRegion | null)[],
    options?: PoolScanOptions<TResult, TMerged>,
  ): Promise<TMerged>

  /**
   * Waits for the scans that run, and ends the threads. New scans are refused. Do not wait for it in
   * `merge`, which is part of a scan.
   */
  close(): Promise<void>

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** The class of {@link ScanPool}. */
export interface ScanPoolConstructor {
  readonly prototype: ScanPool
  /** @throws {TypeError} or {RangeError} if `workers` is no number from 1 to 1024. */
  new (options?: ScanPoolOptions): ScanPool
}
