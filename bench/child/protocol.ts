import type { BackendName } from 'v8-rawmem'
import type { SumKernel } from '../kernels/sums.ts'
import type { Measurement } from '../race.ts'

/** What a process of its own is started with: for contenders whose flags concern the whole process. */
export interface ChildSetup {
  readonly backend: BackendName
  /** Bytes of the column. */
  readonly bytes: number
  readonly windowSize: number
}

/** What it can be asked to do with its column. */
export type Job =
  /** Fills it with values of the kernel's type, if it is not, and scans it: the mean of so many passes. */
  | { readonly kind: 'scan'; readonly kernel: SumKernel; readonly passes: number }
  /** Goes through its windows so many times; with `touch`, a byte of every 4 KiB is read. */
  | { readonly kind: 'switch'; readonly touch: boolean; readonly passes: number }

export type Request = { readonly setup: ChildSetup } | { readonly job: Job }
export type Reply = { readonly measurement: Measurement | undefined } | { readonly error: string }
