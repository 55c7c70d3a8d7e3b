import { z } from 'zod'
import { merges } from '../merge.ts'

// JSON has neither i64 nor the numbers that are not finite.
const exact = z
  .string()
  .regex(/^(?:-?\d+n|-0|NaN|-?Infinity)$/)
  .transform((text) => (text.endsWith('n') ? BigInt(text.slice(0, -1)) : Number(text)))
const value = z.union([z.number(), exact])
const bytes = z.int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

const dataSchema = z
  .strictObject({
    file: z.string(),
    bytes,
    fingerprint: sha256,
    /** False for a file that every part sees whole. */
    divided: z.boolean(),
    begin: bytes,
    end: bytes,
  })
  .refine(
    ({ begin, end, bytes }) => begin <= end && end <= bytes,
    'begin and end are no range of it',
  )

/** The line that `run --part` prints: what the part covered, and its results. */
export const partSchema = z
  .strictObject({
    part: z.int().positive(),
    of: z.int().positive(),
    program: sha256,
    call: z.strictObject({
      export: z.string().nullable(),
      args: z.array(value),
      arg: z.array(z.string()),
      env: sha256,
      /** The paths under which the program sees folders. */
      dir: z.array(z.string()),
      print: z.array(z.string()),
    }),
    records: z.union([
      z.strictObject({ recordBytes: z.array(z.int().positive().nullable()) }),
      z.strictObject({ delimiter: z.int().min(0).max(255) }),
    ]),
    data: z.array(dataSchema).min(1),
    merge: z.enum(merges),
    /** Of each thread, or a merged one; none where the part has no records. Null: no result. */
    results: z.array(z.union([value, z.array(value), z.null().transform(() => undefined)])),
    /** Of each thread, or merged ones: what `--print` asked for. */
    arrays: z.array(z.array(z.array(value))),
  })
  .refine(
    ({ call, arrays }) => arrays.every((each) => each.length === call.print.length),
    'arrays are not those of print',
  )
  .refine(({ part, of }) => part <= of, 'part is more than of')

export type PartRecord = z.output<typeof partSchema>

function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${value}n`
  if (value === undefined) return null
  if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value
  return Object.is(value, -0) ? '-0' : String(value)
}

/** One line, which {@link partSchema} reads back without loss. */
export function formatPart(part: PartRecord): string {
  return JSON.stringify(part, plain)
}
