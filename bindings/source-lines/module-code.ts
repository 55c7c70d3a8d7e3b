import { BinaryReader, moduleLayout, SectionId, sectionsOf } from '../backends/module-layout.ts'

interface Range {
  readonly begin: number
  readonly end: number
}

const magic = Uint8Array.of(0x00, 0x61, 0x73, 0x6d)

export function isModule(bytes: Uint8Array): boolean {
  return Buffer.compare(bytes.subarray(0, magic.length), magic) === 0
}

/** Where the functions of a module are in its bytes, and what its custom sections hold. */
export class ModuleCode {
  /** The contents of the code section. Addresses of DWARF count from its begin. */
  readonly code: Range
  readonly #bodies: readonly Range[]
  readonly #importedFunctions: number
  readonly #customs = new Map<string, Uint8Array>()

  constructor(readonly bytes: Uint8Array) {
    let code: Range = { begin: 0, end: 0 }
    for (const section of sectionsOf(bytes)) {
      if (section.id === SectionId.Code) code = section
      if (section.id !== SectionId.Custom) continue
      const reader = new BinaryReader(bytes, section.begin, section.end)
      const name = reader.name()
      this.#customs.set(name, bytes.subarray(reader.position, section.end))
    }
    this.code = code
    this.#bodies = bodiesOf(bytes, code)
    this.#importedFunctions = moduleLayout(bytes).importedFunctions
  }

  /** The body of a function of the module, which imported ones do not have. */
  body(functionIndex: number): Range | undefined {
    return this.#bodies[functionIndex - this.#importedFunctions]
  }

  custom(name: string): Uint8Array | undefined {
    return this.#customs.get(name)
  }

  /** The text of a custom section that holds one: its length comes first. */
  text(name: string): string | undefined {
    const section = this.#customs.get(name)
    return section && new BinaryReader(section).name()
  }

  get hasDwarf(): boolean {
    return this.#customs.has('.debug_line') && this.#customs.has('.debug_info')
  }

  hasCodeOf(other: ModuleCode): boolean {
    const bytesOf = ({ bytes, code }: ModuleCode) => bytes.subarray(code.begin, code.end)
    return Buffer.compare(bytesOf(this), bytesOf(other)) === 0
  }
}

function bodiesOf(bytes: Uint8Array, { begin, end }: Range): Range[] {
  if (begin === end) return []
  const reader = new BinaryReader(bytes, begin, end)
  return Array.from({ length: reader.u32() }, () => {
    const length = reader.u32()
    const body = { begin: reader.position, end: reader.position + length }
    reader.position = body.end
    return body
  })
}
