/** Where in the sources an instruction comes from. Lines and columns begin at 1. */
export interface CodeLine {
  readonly function?: string
  readonly file?: string
  readonly line?: number
  readonly column?: number
}
