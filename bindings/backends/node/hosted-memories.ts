import type * as api from '../../../types/web-assembly.d.ts'
import { nodeCrypto } from '../../node-crypto.ts'
import {
  leb128,
  type MemoryLayout,
  type ModuleLayout,
  SectionId,
  sectionsOf,
} from '../module-layout.ts'
import { native, type PreparedModule } from './namespace.ts'

const magicAndVersion = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]
const memoryKind = 0x02
const customSectionId = 0
/** Pages that no memory has. */
const unlimited = 2n ** 64n
/** The known sections, in the order that a module must have. */
const order = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

function name(text: string): number[] {
  const bytes = [...new TextEncoder().encode(text)]
  return [...leb128(bytes.length), ...bytes]
}

function section(id: number, ...parts: ArrayLike<number>[]): Uint8Array {
  const body = concatenate(parts)
  return concatenate([[id], leb128(body.length), body])
}

function concatenate(parts: readonly ArrayLike<number>[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let position = 0
  for (const part of parts) {
    result.set(part, position)
    position += part.length
  }
  return result
}

interface Section {
  readonly id: number
  /** Offsets of the section, then of its content. */
  readonly first: number
  readonly begin: number
  readonly end: number
}

/** Undefined if no valid module has this order. */
function readSections(bytes: Uint8Array): Section[] | undefined {
  const sections: Section[] = []
  let first = magicAndVersion.length
  let rank = -1
  for (const { id, begin, end } of sectionsOf(bytes)) {
    if (id !== customSectionId) {
      const next = order.indexOf(id)
      if (next <= rank || end > bytes.length) return undefined
      rank = next
    }
    sections.push({ id, first, begin, end })
    first = end
  }
  return sections
}

/** Distinguishes the modules of one namespace from all others in the process. */
export function newSeal(): string {
  return `v8-rawmem:${nodeCrypto().randomUUID()}`
}

/**
 * Removes the maxima and the defined memories from a module.
 *
 * V8 compiles declared limits into code: an access beyond the maximum always traps, and the start
 * of a memory is read once if its maximum equals its minimum, because it never moves. Neither is
 * true for an attached memory. So V8 compiles a module without maxima, and memories that the module
 * defines become imports. The namespace provides them with the declared limits, so programs and
 * `memory.grow` see no difference. Memories that a program imports must keep to the declared limits
 * as well: see `ImportCheck`.
 *
 * V8 also caches compiled code by the bytes of a module. All modules from here contain `seal`, so
 * they never share code with modules compiled elsewhere under other flags.
 *
 * @param most Pages that memory 0 may grow to, whatever it declares, if the module defines it.
 * @returns undefined if the module is not valid, or has something unknown.
 */
export function hostMemories(
  bytes: Uint8Array,
  layout: ModuleLayout,
  seal: string,
  most = unlimited,
): PreparedModule | undefined {
  if (magicAndVersion.some((byte, at) => bytes[at] !== byte)) return undefined
  const sections = readSections(bytes)
  if (sections === undefined) return undefined
  const { memories } = layout
  if (memories.some(({ initial, maximum }) => maximum !== undefined && maximum < initial)) {
    return undefined
  }
  const limitsOf = (index: number): Iterable<number> & ArrayLike<number> => {
    const memory = memories[index] as (typeof memories)[number]
    // Shared memories stay unchanged: they cannot be attached, and they must have a maximum.
    if (memory.shared) return bytes.subarray(memory.begin, memory.end)
    return [memory.address === 'i64' ? 4 : 0, ...leb128(memory.initial)]
  }

  const check = ImportCheck.of(bytes, layout, sections)
  if (check === undefined) return undefined

  const defined = memories.flatMap(({ imported }, index) => (imported === undefined ? [index] : []))
  const added = defined.flatMap((index) => [
    ...name(seal),
    ...name(String(index)),
    memoryKind,
    ...limitsOf(index),
  ])
  const parts: ArrayLike<number>[] = [magicAndVersion]
  let imports = defined.length > 0
  for (const { id, first, begin, end } of sections) {
    if (imports && id !== customSectionId && order.indexOf(id) > order.indexOf(SectionId.Import)) {
      parts.push(section(SectionId.Import, leb128(defined.length), added))
      imports = false
    }
    if (id === SectionId.Memory) continue
    if (id !== SectionId.Import) {
      parts.push(bytes.subarray(first, end))
      continue
    }
    imports = false
    const count = countOf(bytes, begin)
    const entries: ArrayLike<number>[] = []
    let position = count.end
    memories.forEach((memory, index) => {
      if (memory.imported === undefined) return
      entries.push(bytes.subarray(position, memory.begin), limitsOf(index))
      position = memory.end
    })
    entries.push(bytes.subarray(position, end))
    parts.push(section(id, leb128(count.value + defined.length), ...entries, added))
  }
  parts.push(section(customSectionId, name(seal)))

  const declaration = sections.find(({ id }) => id === SectionId.Memory)
  if (declaration === undefined) {
    return { bytes: concatenate(parts), link: linkTo(undefined, [], seal, check) }
  }
  const exported = defined.flatMap((index, number) => [
    ...name(String(index)),
    memoryKind,
    ...leb128(number),
  ])
  const provider = concatenate([
    magicAndVersion,
    section(
      SectionId.Memory,
      leb128(defined.length),
      ...defined.map((index) =>
        declaredLimits(bytes, memories[index]!, index === 0 ? most : unlimited),
      ),
    ),
    section(SectionId.Export, leb128(defined.length), exported),
  ])
  const module = providerModule(provider)
  if (module === undefined) return undefined
  return {
    bytes: concatenate(parts),
    isHidden: (moduleName) => moduleName === seal,
    link: linkTo(module, defined, seal, check),
  }
}

/** The limits of a memory that a module defines, and at most so many pages. */
function declaredLimits(
  bytes: Uint8Array,
  { shared, address, initial, maximum, begin, end }: MemoryLayout,
  most: bigint,
): ArrayLike<number> {
  const fits = maximum === undefined ? most === unlimited : maximum <= most
  if (shared || initial > most || fits) return bytes.subarray(begin, end)
  return [address === 'i64' ? 5 : 1, ...leb128(initial), ...leb128(most)]
}

/** Most modules declare one memory in one of a few ways. */
const providers = new Map<string, api.Module>()
const mostProviders = 64

function providerModule(bytes: Uint8Array): api.Module | undefined {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  let module = providers.get(key)
  if (module === undefined) {
    if (!native.validate(bytes as Uint8Array<ArrayBuffer>)) return undefined
    module = new native.Module(bytes as Uint8Array<ArrayBuffer>)
    if (providers.size >= mostProviders) providers.clear()
    providers.set(key, module)
  }
  return module
}

/** Makes the errors that the original module would have made about its imports. */
class ImportCheck {
  /** Undefined if the changed module checks everything itself. */
  readonly #module: api.Module | undefined

  private constructor(module: api.Module | undefined) {
    this.#module = module
  }

  /** Undefined if the module is not valid. */
  static of(
    bytes: Uint8Array,
    { memories }: ModuleLayout,
    sections: readonly Section[],
  ): ImportCheck | undefined {
    const section = sections.find(({ id }) => id === SectionId.Import)
    if (section === undefined) return new ImportCheck(undefined)
    // Imports and the types before them form a module of their own.
    const module = concatenate([
      magicAndVersion,
      ...sections
        .filter(({ id, first }) => id !== customSectionId && first <= section.first)
        .map(({ first, end }) => bytes.subarray(first, end)),
    ]) as Uint8Array<ArrayBuffer>
    if (!native.validate(module)) return undefined
    const isLimited = memories.some(
      ({ imported, shared, maximum }) => imported !== undefined && !shared && maximum !== undefined,
    )
    return new ImportCheck(isLimited ? new native.Module(module) : undefined)
  }

  /** @throws {WebAssembly.LinkError} on behalf of the function `where`. */
  check(imports: api.Imports, where: string): void {
    if (this.#module === undefined) return
    try {
      new native.Instance(this.#module, imports)
    } catch (error) {
      // Instantiating the changed module reports the others.
      if (!(error instanceof native.LinkError)) return
      throw new native.LinkError(error.message.replace(/^WebAssembly\.Instance\(\)/, where))
    }
  }
}

/** Makes the memories that the module defined, for each instance. */
function linkTo(
  provider: api.Module | undefined,
  defined: readonly number[],
  seal: string,
  check: ImportCheck,
): NonNullable<PreparedModule['link']> {
  return (given, where = 'WebAssembly.Instance()') => {
    check.check(given, where)
    if (provider === undefined) return { imports: given, memories: [] }
    const { exports } = new native.Instance(provider)
    const memories: (api.Memory | undefined)[] = []
    for (const index of defined) memories[index] = exports[index] as api.Memory
    return { imports: Object.assign(Object.create(null), given, { [seal]: exports }), memories }
  }
}

function countOf(bytes: Uint8Array, position: number): { value: number; end: number } {
  let value = 0
  let end = position
  for (let factor = 1; ; factor *= 128) {
    const byte = bytes[end++] as number
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, end }
  }
}
