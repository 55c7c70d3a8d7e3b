/** A function on the stack of an error, and where it was in its source. */
export interface SourceFrame {
  /** Its name: of the DWARF, otherwise as on the stack. Missing if it has none. */
  readonly function?: string
  /** As the compiler was given it. Missing, as are line and column, where nothing is known. */
  readonly file?: string
  /** From 1. Missing for code that the compiler added. */
  readonly line?: number
  /** From 1. */
  readonly column?: number
  /** Whether the compiler inlined it into the function of the next frame. */
  readonly inlined: boolean
  /** Index, in the module, of the function whose code it is. */
  readonly functionIndex: number
  /** Where the instruction is, in bytes from the begin of the module. */
  readonly offset: number
}
