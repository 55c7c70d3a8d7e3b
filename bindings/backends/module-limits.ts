import type * as api from '../../types/web-assembly.d.ts'
import { checkInteger, checkLimitNames, show } from '../arguments.ts'
import { BinaryReader, ExternalKind, leb128, SectionId, sectionsOf } from './module-layout.ts'

/** What memories and tables have in common: sizes, of which the bytes of a module say how far. */
interface Growable {
  readonly what: 'memory' | 'table'
  readonly address: api.AddressType
  readonly initial: bigint
  readonly maximum: bigint | undefined
  /** Offset of the limits in the bytes of the module. */
  readonly begin: number
  readonly end: number
}

/** A table with an initial value begins so. */
const tableWithValue = 0x40

/** What memories and tables without a declared maximum can have at most. */
const most = {
  memory: { i32: 2n ** 16n, i64: 2n ** 48n },
  table: { i32: 2n ** 32n - 1n, i64: 2n ** 64n - 1n },
} as const

const units = { memory: 'pages', table: 'elements' } as const

const optionNames = { memory: 'memoryPages', table: 'tableEntries' } as const

/** Undefined without limits. */
function readLimits(options: unknown): Record<Growable['what'], bigint | undefined> | undefined {
  if (typeof options !== 'object' || options === null) return undefined
  const { limits } = options as api.CompileOptions
  if (limits === undefined) return undefined
  if (typeof limits !== 'object' || limits === null) {
    throw new TypeError(`options.limits must be an object; got ${show(limits)}`)
  }
  checkLimitNames('options.limits', limits, Object.values(optionNames))
  const { memoryPages, tableEntries } = limits
  const read = (name: string, value: unknown) =>
    value === undefined
      ? undefined
      : BigInt(checkInteger(`options.limits.${name}`, value, 0, Number.MAX_SAFE_INTEGER))
  return { memory: read('memoryPages', memoryPages), table: read('tableEntries', tableEntries) }
}

/** All memories and tables of a module, imported ones first, as the engine numbers them. */
function growablesOf(bytes: Uint8Array): Growable[] {
  const found: Growable[] = []
  const add = (what: Growable['what'], reader: BinaryReader) =>
    found.push({ what, ...reader.limits() })
  for (const { id, begin, end } of sectionsOf(bytes)) {
    const reader = new BinaryReader(bytes, begin, end)
    if (id === SectionId.Import) {
      for (let count = reader.u32(); count > 0; count--) {
        reader.name()
        reader.name()
        const kind = reader.externalType()
        if (kind === ExternalKind.Memory) add('memory', reader)
        else if (kind === ExternalKind.Table) add('table', reader)
      }
    } else if (id === SectionId.Table) {
      for (let count = reader.u32(); count > 0; count--) {
        const type = reader.valueType()
        if (type === tableWithValue) {
          reader.byte()
          reader.valueType()
        }
        add('table', reader)
        if (type === tableWithValue) reader.skipConstantExpression()
      }
    } else if (id === SectionId.Memory) {
      for (let count = reader.u32(); count > 0; count--) add('memory', reader)
    } else {
      continue
    }
    reader.checkEnd()
  }
  return found
}

/**
 * The maxima that keep the sum within `limit`: what the declared minima leave goes to the first, as
 * far as it may grow, then to the second.
 */
function maximaWithin(
  growables: readonly Growable[],
  limit: bigint,
  where: string,
): Map<Growable, bigint> {
  const { what } = growables[0]!
  const begin = growables.reduce((sum, { initial }) => sum + initial, 0n)
  if (begin > limit) {
    throw new RangeError(
      `${where}: options.limits.${optionNames[what]} is ${limit}, but the module begins with ${begin} ${units[what]}`,
    )
  }
  let rest = limit - begin
  const maxima = new Map<Growable, bigint>()
  for (const growable of growables) {
    const { initial, address, maximum = most[what][address] } = growable
    const room = maximum - initial < rest ? maximum - initial : rest
    rest -= room
    maxima.set(growable, initial + room)
  }
  return maxima
}

/** Replaces parts of sections, which then have other lengths. */
function replace(
  bytes: Uint8Array,
  replacements: readonly { begin: number; end: number; bytes: ArrayLike<number> }[],
): Uint8Array {
  const parts: Uint8Array[] = [bytes.subarray(0, 8)]
  for (const { id, begin, end } of sectionsOf(bytes)) {
    const content: Uint8Array[] = []
    let position = begin
    for (const replacement of replacements) {
      if (replacement.begin < begin || replacement.begin >= end) continue
      content.push(bytes.subarray(position, replacement.begin), Uint8Array.from(replacement.bytes))
      position = replacement.end
    }
    content.push(bytes.subarray(position, end))
    const length = content.reduce((sum, part) => sum + part.length, 0)
    parts.push(Uint8Array.of(id, ...leb128(length)), ...content)
  }
  return new Uint8Array(Buffer.concat(parts))
}

/**
 * The bytes of a module whose memories and tables cannot grow beyond `options.limits`: with lower
 * maxima. So the engine itself keeps to them, also where memories and tables are imported.
 *
 * @param where The function that compiles, for messages.
 * @param isValid Whether the engine takes the bytes. If not, it says what is wrong with them.
 */
export function limitedBytes(
  bytes: Uint8Array,
  options: unknown,
  where: string,
  isValid: () => boolean,
): Uint8Array {
  const limits = readLimits(options)
  if (limits === undefined || !isValid()) return bytes
  let growables: Growable[]
  try {
    growables = growablesOf(bytes)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new TypeError(
      `${where}: options.limits cannot be kept: ${error.message}; compile the module without that, or without limits`,
    )
  }
  const replacements = []
  for (const what of ['memory', 'table'] as const) {
    const limit = limits[what]
    const all = growables.filter((growable) => growable.what === what)
    if (limit === undefined || all.length === 0) continue
    for (const [{ begin, end, address, initial, maximum }, allowed] of maximaWithin(
      all,
      limit,
      where,
    )) {
      if (allowed === (maximum ?? most[what][address])) continue
      const flags = bytes[begin]! | 1
      replacements.push({ begin, end, bytes: [flags, ...leb128(initial), ...leb128(allowed)] })
    }
  }
  return replacements.length === 0 ? bytes : replace(bytes, replacements)
}
