import type { BackendName } from '../types/backend.d.ts'
import type { Print } from './arrays/print-option.ts'
import type { InspectOptions } from './inspect.ts'
import type { Merge } from './merge.ts'
import type { Column } from './table/column-option.ts'
import type { Nulls } from './table/table.ts'

/** What the command line says of `run`. */
export interface RunOptions extends InspectOptions {
  readonly map: string[]
  readonly column: Column[]
  readonly nulls: Nulls
  readonly export?: string
  readonly import: string
  readonly args: (number | bigint)[]
  readonly arg: string[]
  readonly env: Record<string, string>
  readonly dir: Record<string, string>
  readonly window?: number
  readonly address: 'i32' | 'i64'
  readonly memoryIndex: number
  readonly parallel: number
  readonly recordBytes?: number | (number | null)[]
  readonly delimiter?: number
  readonly merge: Merge
  readonly part?: { readonly index: number; readonly count: number }
  readonly writable: boolean
  readonly backend?: BackendName
  readonly cpuProfile?: string
  readonly print: Print[]
  /** True: in the terminal. */
  readonly plot?: string | true
  readonly symbols: boolean
  readonly json: boolean
}
