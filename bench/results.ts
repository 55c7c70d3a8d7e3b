import { z } from 'zod'

/** Units of a measurement. In GB/s (10^9 bytes per second) more is better, in all others less. */
export const units = ['GB/s', 'ns', 'µs', 'ms', 's'] as const

/** What one contender needed for one thing, in every round. */
export const rowSchema = z.strictObject({
  suite: z.string().min(1),
  /** What was done. Rows of one suite and case were measured in turns. */
  case: z.string().min(1),
  contender: z.string().min(1),
  unit: z.enum(units),
  samples: z.array(z.number().positive()).min(1),
  median: z.number().positive(),
  min: z.number().positive(),
  max: z.number().positive(),
  /** The median in time of the processor, all threads together, in the same unit. */
  processor: z.number().positive().optional(),
  /** The contender that this one is compared with. */
  baseline: z.string().min(1),
  /** How many times as fast as the baseline: the median of the rounds' ratios. */
  speed: z.number().positive(),
  /** Bytes that were gone through. */
  bytes: z.number().int().positive().optional(),
  /** What a reader should know of this contender. */
  note: z.string().min(1).optional(),
})

/** What the benchmark set out for, and what came of it. */
export const aimSchema = z.strictObject({
  aim: z.string().min(1),
  suite: z.string().min(1),
  case: z.string().min(1),
  /** How many times as fast as another contender; or, where there is a unit, how much at most. */
  target: z.number().positive(),
  unit: z.enum(units).optional(),
  measured: z.number().positive(),
  met: z.boolean(),
})

export const machineSchema = z.strictObject({
  processor: z.string(),
  cores: z.number().int().positive(),
  memoryBytes: z.number().int().positive(),
  kernel: z.string(),
  hugePages: z.string(),
  node: z.string(),
  nodeV8: z.string(),
  package: z.string(),
  patchedV8: z.string(),
  compiler: z.string(),
  duckdb: z.string(),
})

export const resultsSchema = z.strictObject({
  schema: z.literal(1),
  date: z.iso.datetime(),
  seconds: z.number().positive(),
  rounds: z.number().int().positive(),
  quick: z.boolean(),
  machine: machineSchema,
  /** What the machine did besides: the load before, and the share of the processors that others had. */
  load: z
    .strictObject({ averageBefore: z.number().min(0), others: z.number().min(0).max(1) })
    .optional(),
  rows: z.array(rowSchema),
  aims: z.array(aimSchema),
  /** What was left out or made smaller, and why. */
  remarks: z.array(z.string()),
})

export type Unit = (typeof units)[number]
export type Row = z.infer<typeof rowSchema>
export type Aim = z.infer<typeof aimSchema>
export type Machine = z.infer<typeof machineSchema>
export type Results = z.infer<typeof resultsSchema>
