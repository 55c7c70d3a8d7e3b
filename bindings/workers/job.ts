import type { BackendName } from '../../types/backend.d.ts'
import type { SharedRegion } from '../../types/host-region.d.ts'
import type { Tiering } from '../../types/web-assembly.d.ts'
import type { ExportResult, MemoryArray, MemoryValues } from '../../types/workers.d.ts'
import type { WasiOptions } from '../wasi/options.ts'
import type { ErrorMessage } from './error-message.ts'

/** The bytes of a module, in memory that all threads can read. */
export interface ModuleBytes {
  readonly bytes: Uint8Array
  /** SHA-256 of the bytes, by which a thread knows what it has compiled. */
  readonly hash: string
}

/** The job of a thread. */
export interface Job {
  readonly backend: BackendName
  readonly module: ModuleBytes
  /** One, or one for each host window. */
  readonly regions: readonly (SharedRegion | null)[]
  /** Undefined: `_start`, or else `run`. */
  readonly exportName: string | undefined
  readonly args: readonly (number | bigint)[]
  /** The import to feed, as `module.name`. */
  readonly next: string
  readonly tiering: Tiering | undefined
  readonly feeder: {
    /** Undefined: what suits the module. */
    readonly windowSize: number | undefined
    readonly address: 'i32' | 'i64'
    readonly memoryIndex: number
    readonly writable: boolean
    readonly prefetch: boolean
    readonly release: boolean
  }
  /** Bytes of which windows of the size that suits have a multiple, so that no record is cut. */
  readonly recordBytes: number
  readonly wasi: WasiOptions & { readonly stdout: number; readonly stderr: number }
  /** Whether to pause in the first function, once a debugger has connected. */
  readonly waitForDebugger: boolean
  /** Whether to record a CPU profile of the program. */
  readonly cpuProfile: boolean
  /** What to read from the program's memory when it has ended. */
  readonly arrays: readonly MemoryArray[]
  /** Where the thread says how far it is: see bindings/feeder/options.ts. */
  readonly control: Uint8Array
}

/** What a program left. */
export interface Done {
  readonly result: ExportResult
  /** Those of the job. */
  readonly arrays: MemoryValues[]
}

/** The first message of a thread. */
export type Loaded = 'loaded'

/** Its answer to a job. */
export type Outcome = (Done | { readonly error: ErrorMessage }) & {
  /** Undefined unless the job wants one. */
  readonly cpuProfile: string | undefined
}
