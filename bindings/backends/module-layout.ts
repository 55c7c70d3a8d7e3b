import type { AddressType } from '../../types/web-assembly.d.ts'

/** A memory as the bytes of its module declare it. */
export interface MemoryLayout {
  /** Module and name, if imported. */
  readonly imported: readonly [module: string, name: string] | undefined
  /** The first name of its export, if any. */
  readonly exported: string | undefined
  readonly address: AddressType
  readonly shared: boolean
  /** In pages of 64 KiB. */
  readonly initial: bigint
  readonly maximum: bigint | undefined
  /** Offset of the limits in the bytes of the module. */
  readonly begin: number
  readonly end: number
  /** What the program keeps there itself, as far as its bytes tell; undefined if nothing shows. */
  readonly ownData: string | undefined
}

/** Parts of a module that a compiled module does not show. */
export interface ModuleLayout {
  /** By memory index: imports, then definitions. */
  readonly memories: readonly MemoryLayout[]
  /** Whether it imports from module `rawmem`, and so has host windows. */
  readonly importsRawmem: boolean
  /** Their indices come before those of the module's own functions. */
  readonly importedFunctions: number
}

/** Ids of sections in the binary format. */
export const SectionId = {
  Custom: 0,
  Import: 2,
  Table: 4,
  Memory: 5,
  Global: 6,
  Export: 7,
  Code: 10,
  Data: 11,
} as const

export const ExternalKind = { Function: 0, Table: 1, Memory: 2, Global: 3, Tag: 4 } as const

/** Value types that a heap type follows: `ref null` and `ref`. */
const referenceTypes = [0x63, 0x64]

const type = { i32: 0x7f } as const

/** Opcodes of constant expressions, with what follows them. */
const constant = { end: 0x0b, i32: 0x41, i64: 0x42, f32: 0x43, f64: 0x44, globalGet: 0x23 } as const

/** Where LLVM's linker puts the first static variable, unless it is told otherwise. */
const firstStatic = 1024

/** Globals by which a linker tells where stack and heap are. */
const marks = ['__stack_pointer', '__heap_base', '__data_end']

/** Opcodes of constant expressions without anything behind them. */
const plainConstants = [0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e]

/** Opcodes of constant expressions, each with how many indices follow. */
const constantsWithIndices: Readonly<Record<number, number>> = {
  [constant.i32]: 1,
  [constant.i64]: 1,
  [constant.globalGet]: 1,
  // ref.null, ref.func
  208: 1,
  210: 1,
}

/** The same behind the prefix of references: struct.new to array.new_fixed, … , ref.i31. */
const referenceConstants: Readonly<Record<number, number>> = {
  0: 1,
  1: 1,
  6: 1,
  7: 1,
  8: 2,
  26: 0,
  27: 0,
  28: 0,
}

const prefix = { reference: 0xfb, vector: 0xfd } as const

/** v128.const, behind its prefix. */
const vectorConstant = 12

/** Unsigned LEB128. */
export function leb128(value: bigint | number): number[] {
  const bytes: number[] = []
  let rest = BigInt(value)
  do {
    const low = Number(rest & 0x7fn)
    rest >>= 7n
    bytes.push(rest === 0n ? low : low | 0x80)
  } while (rest !== 0n)
  return bytes
}

/** Reads the elements of the binary format in sequence. */
export class BinaryReader {
  readonly #bytes: Uint8Array
  position: number
  readonly end: number

  constructor(bytes: Uint8Array, position = 0, end = bytes.length) {
    this.#bytes = bytes
    this.position = position
    this.end = end
  }

  checkEnd(): void {
    if (this.position !== this.end) throw new RangeError('a section of the module is too long')
  }

  byte(): number {
    const value = this.position < this.end ? this.#bytes[this.position] : undefined
    if (value === undefined) throw new RangeError('the module ends too early')
    this.position++
    return value
  }

  /** An unsigned LEB128 of up to 64 bits. */
  u64(): bigint {
    return this.#leb128().value
  }

  /** A signed LEB128 of up to 64 bits. */
  i64(): bigint {
    const { value, bits } = this.#leb128()
    return BigInt.asIntN(bits, value)
  }

  #leb128(): { value: bigint; bits: number } {
    let value = 0n
    for (let bits = 0; bits < 70; bits += 7) {
      const byte = this.byte()
      value |= BigInt(byte & 0x7f) << BigInt(bits)
      if (byte < 0x80) return { value, bits: bits + 7 }
    }
    throw new RangeError('a number in the module is too long')
  }

  u32(): number {
    return Number(this.u64())
  }

  name(): string {
    const length = this.u32()
    const begin = this.position
    if (length > this.end - begin) throw new RangeError('the module ends too early')
    this.position += length
    return new TextDecoder().decode(this.#bytes.subarray(begin, this.position))
  }

  /** @returns the first byte of the type. */
  valueType(): number {
    const first = this.byte()
    // A heap type is a signed LEB128; only its end matters.
    if (referenceTypes.includes(first)) this.u64()
    return first
  }

  /**
   * The value of an `i32.const` as an address; undefined for other constant expressions that can be
   * skipped.
   */
  constantExpression(): number | undefined {
    const opcode = this.byte()
    let value: number | undefined
    switch (opcode) {
      case constant.i32:
        value = Number(BigInt.asUintN(32, this.i64()))
        break
      case constant.i64:
      case constant.globalGet:
        this.u64()
        break
      case constant.f32:
        this.position += 4
        break
      case constant.f64:
        this.position += 8
        break
      default:
        throw new RangeError('a constant of the module is of a kind that is not known here')
    }
    if (this.byte() !== constant.end) {
      throw new RangeError('a constant of the module is of a kind that is not known here')
    }
    return value
  }

  /** Any constant expression, to its end. */
  skipConstantExpression(): void {
    for (let opcode = this.byte(); opcode !== constant.end; opcode = this.byte()) {
      let indices = constantsWithIndices[opcode]
      if (opcode === constant.f32) this.position += 4
      else if (opcode === constant.f64) this.position += 8
      else if (opcode === prefix.vector && this.u32() === vectorConstant) this.position += 16
      else if (opcode === prefix.reference) indices = referenceConstants[this.u32()] ?? Number.NaN
      else if (indices === undefined && !plainConstants.includes(opcode)) indices = Number.NaN
      if (Number.isNaN(indices)) {
        throw new RangeError('a constant of the module is of a kind that is not known here')
      }
      for (; indices !== undefined && indices > 0; indices--) this.u64()
    }
  }

  /**
   * The kind of an import, and its type up to the limits that tables and memories have.
   *
   * @returns one of `ExternalKind`
   */
  externalType(): number {
    const kind = this.byte()
    switch (kind) {
      case ExternalKind.Function:
        this.u32()
        break
      case ExternalKind.Table:
        this.valueType()
        break
      case ExternalKind.Memory:
        break
      case ExternalKind.Global:
        this.valueType()
        this.byte()
        break
      case ExternalKind.Tag:
        this.byte()
        this.u32()
        break
      default:
        throw new RangeError('the module imports something that is not known here')
    }
    return kind
  }

  limits(): {
    address: AddressType
    shared: boolean
    initial: bigint
    maximum: bigint | undefined
    begin: number
    end: number
  } {
    const begin = this.position
    const flags = this.byte()
    if (flags > 7) throw new RangeError('the module has limits of a kind that is not known here')
    const initial = this.u64()
    const maximum = flags & 1 ? this.u64() : undefined
    return {
      address: flags & 4 ? 'i64' : 'i32',
      shared: (flags & 2) !== 0,
      initial,
      maximum,
      begin,
      end: this.position,
    }
  }
}

/** The known sections of a valid module, in order. */
export function* sectionsOf(
  bytes: Uint8Array,
): Generator<{ id: number; begin: number; end: number }> {
  const reader = new BinaryReader(bytes, 8)
  while (reader.position < reader.end) {
    const id = reader.byte()
    const length = reader.u32()
    const begin = reader.position
    yield { id, begin, end: begin + length }
    reader.position = begin + length
  }
}

/** The layout of a valid module. */
export function moduleLayout(bytes: Uint8Array): ModuleLayout {
  const memories: MemoryLayout[] = []
  let importsRawmem = false
  let importedFunctions = 0
  for (const { id, begin, end } of sectionsOf(bytes)) {
    const reader = new BinaryReader(bytes, begin, end)
    if (id === SectionId.Import) {
      for (let count = reader.u32(); count > 0; count--) {
        const imported = [reader.name(), reader.name()] as const
        importsRawmem ||= imported[0] === 'rawmem'
        const kind = reader.externalType()
        if (kind === ExternalKind.Function) importedFunctions++
        if (kind === ExternalKind.Table) reader.limits()
        if (kind !== ExternalKind.Memory) continue
        memories.push({ ...reader.limits(), imported, exported: undefined, ownData: undefined })
      }
      reader.checkEnd()
    } else if (id === SectionId.Memory) {
      for (let count = reader.u32(); count > 0; count--) {
        memories.push({
          ...reader.limits(),
          imported: undefined,
          exported: undefined,
          ownData: undefined,
        })
      }
      reader.checkEnd()
    } else if (id === SectionId.Export) {
      for (let count = reader.u32(); count > 0; count--) {
        const name = reader.name()
        const kind = reader.byte()
        const index = reader.u32()
        const memory = kind === ExternalKind.Memory ? memories[index] : undefined
        if (memory !== undefined && memory.exported === undefined) {
          memories[index] = { ...memory, exported: name }
        }
        if (kind === ExternalKind.Global && marks.includes(name)) {
          note(memories, 0, `it exports ${name}, by which linkers tell of a stack or heap`)
        }
      }
    } else if (id === SectionId.Global || id === SectionId.Data) {
      // What is not known here only goes unnoticed: it takes nothing from what can be attached.
      try {
        if (id === SectionId.Global) noteGlobals(reader, memories)
        else noteData(reader, memories)
      } catch (error) {
        if (!(error instanceof RangeError)) throw error
      }
    }
  }
  return { memories, importsRawmem, importedFunctions }
}

function note(memories: MemoryLayout[], index: number, ownData: string): void {
  const memory = memories[index]
  if (memory !== undefined) memories[index] = { ...memory, ownData: memory.ownData ?? ownData }
}

/**
 * A mutable i32 that begins as an address within the declared minimum is a stack pointer, as
 * compilers make them.
 */
function noteGlobals(reader: BinaryReader, memories: MemoryLayout[]): void {
  const minimum = Number(memories[0]?.initial ?? 0n) * 65_536
  for (let count = reader.u32(); count > 0; count--) {
    const valueType = reader.valueType()
    const mutable = (reader.byte() & 1) !== 0
    const value = reader.constantExpression()
    if (!mutable || valueType !== type.i32 || value === undefined) continue
    if (value >= firstStatic && value % 16 === 0 && value <= minimum) {
      note(memories, 0, `its stack pointer, a global, begins at address ${value}`)
    }
  }
}

function noteData(reader: BinaryReader, memories: MemoryLayout[]): void {
  for (let count = reader.u32(); count > 0; count--) {
    const flags = reader.u32()
    if (flags === 1) {
      reader.position += reader.u32()
      continue
    }
    const memoryIndex = flags === 2 ? reader.u32() : 0
    const address = reader.constantExpression()
    const length = reader.u32()
    reader.position += length
    if (length > 0) {
      note(
        memories,
        memoryIndex,
        `${length} bytes of its data begin at ${address === undefined ? 'an address that is chosen at instantiation' : `address ${address}`}`,
      )
    }
  }
}

/** Refuses to show a region in place of a memory in which the program keeps things itself. */
export function checkOwnData(layout: MemoryLayout | undefined, memoryIndex: number): void {
  if (layout?.ownData === undefined) return
  throw new TypeError(
    `a region in place of memory ${memoryIndex} would hide what the program keeps there: ${layout.ownData}. Use host windows, which leave its memory alone: HostWindows, or setWasmInstanceWindow (docs/guests.md). Or insist, with { overOwnData: true }`,
  )
}
