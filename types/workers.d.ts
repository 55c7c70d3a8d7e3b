import type { BackendName } from './backend.d.ts'
import type { ChunkFeederOptions, FeederProgress } from './chunk-feeder.d.ts'
import type { Tiering } from './web-assembly.d.ts'

/** The result of an export on another thread. Several results are an array. */
export type ExportResult = number | bigint | undefined | (number | bigint)[]

/** Options of `runOnWorker`. */
export interface RunOnWorkerOptions
  extends Pick<
    ChunkFeederOptions,
    'windowSize' | 'address' | 'memoryIndex' | 'writable' | 'prefetch' | 'release'
  > {
  /** Name of the exported function to call. Default `'run'`. */
  export?: string
  /**
   * Arguments of the export: numbers for `i32`, `f32` and `f64`, bigints for `i64`. Default: none.
   */
  args?: readonly (number | bigint)[]
  /**
   * The imported function that maps the next window, as `'module.name'`. Default `'env.next'`. It
   * must be the only import, because nothing else can travel to the other thread.
   */
  next?: string
  /**
   * The backend to run on, see `openBackend`. Default: the one behind the plain exports of the
   * package.
   */
  backend?: BackendName
  /** Which compilers make the code, see `CompileOptions`. */
  tiering?: Tiering
  /**
   * Called on this thread while the program runs, every 100 ms if there is progress, and at the
   * end. If it throws, the program stops and the promise rejects with that error.
   */
  onProgress?: (progress: FeederProgress) => void
  /** Stops the program, also in an endless loop. The promise rejects with `signal.reason`. */
  signal?: AbortSignal
}

/** Options of `parallelScan`. */
export interface ParallelScanOptions<TResult = ExportResult, TMerged = TResult[]>
  extends RunOnWorkerOptions {
  /**
   * The most threads, from 1 to 1024. Default: `os.availableParallelism()`. There are never more
   * threads than parts: a region of three records gets at most three.
   */
  workers?: number
  /**
   * Bytes of a record: parts begin at multiples of it from the beginning of the region. Without
   * `windowSize`, windows are as large as possible and hold whole records. Default without
   * `delimiter`: 65536, which suits record sizes that are a power of two up to that.
   */
  recordBytes?: number
  /**
   * The byte that ends a record: a number from 0 to 255, or one such character (`'\n'`). Parts
   * begin right after it. Cannot be combined with `recordBytes`.
   */
  delimiter?: number | string
  /**
   * Combines the results of the parts, in the order of the parts. Even an empty region has one
   * part. May return a promise. Default: returns the array.
   */
  merge?: (results: TResult[]) => TMerged | PromiseLike<TMerged>
}
