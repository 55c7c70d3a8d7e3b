import type * as api from '../../types/wasi.d.ts'

/** What ends a program that ends itself. */
export class ProgramExit extends Error implements api.ProgramExit {
  override readonly name = 'ProgramExit'
  readonly exitCode: number

  constructor(exitCode: number) {
    super(`The program ended itself, with exit code ${exitCode}`)
    this.exitCode = exitCode
  }
}
