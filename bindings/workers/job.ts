import type { BackendName } from '../../types/backend.d.ts'
import type { SharedRegion } from '../../types/host-region.d.ts'
import type { Tiering } from '../../types/web-assembly.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import type { ErrorMessage } from './error-message.ts'

/** The job of a thread. */
export interface Job {
  readonly backend: BackendName
  /** The module. */
  readonly bytes: Uint8Array
  readonly region: SharedRegion
  readonly exportName: string
  readonly args: readonly (number | bigint)[]
  /** The import to feed, as `module.name`. */
  readonly next: string
  readonly tiering: Tiering | undefined
  readonly feeder: {
    readonly windowSize: number
    readonly address: 'i32' | 'i64'
    readonly memoryIndex: number
    readonly writable: boolean
    readonly prefetch: boolean
    readonly release: boolean
  }
  /** The feeder's control block, see bindings/feeder/options.ts. */
  readonly control: Uint8Array
}

/** The last message of a thread. */
export type Outcome = { readonly result: ExportResult } | { readonly error: ErrorMessage }
