import type { ScriptResult } from '../support/run-script.ts'

export interface RoundOptions {
  /** For how long a round goes on. */
  readonly milliseconds: number
  /** Only settings whose names match. It matches one at least. */
  readonly only: RegExp
  /** Ends the round, which then fails. What its processes did until then says nothing. */
  readonly signal: AbortSignal
}

export interface RoundReport {
  /** One line. */
  readonly summary: string
  /** What went wrong, where the case was kept, and how to have it again. */
  readonly failure?: string
}

/** A kind of fuzzing. A round is one or more processes, and a seed decides all that it does. */
export interface Kind {
  readonly description: string
  /** The names that {@link RoundOptions.only} chooses from. A kind without them does not look at it. */
  readonly settings?: readonly string[]
  /** Called once, before the first round. */
  prepare?(variant: string | undefined): Promise<void>
  round(seed: number, options: RoundOptions): Promise<RoundReport>
}

/** How a process ended that should have ended well. */
export function describeEnd({ exitCode, signal, stderr }: ScriptResult): string {
  const end = signal === null ? `exit code ${exitCode}` : `signal ${signal}`
  return `${end}\n${stderr.trim().slice(-4000)}`
}
