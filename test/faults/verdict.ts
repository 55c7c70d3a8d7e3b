import { stripVTControlCharacters } from 'node:util'
import { type Artifact, differences } from './artifact.ts'
import type { Outcome } from './build-run.ts'

/** How a round ended. The last two must never be. */
export type Verdict = 'correct' | 'clear error' | 'unclear error' | 'wrong artifact'

export interface Judgement {
  readonly verdict: Verdict
  /** Why, for the verdicts that must not be; else the error's first line. */
  readonly detail: string
}

/** Judges a run by its exit code, what it left, and what it said. */
export function judge(outcome: Outcome, expected: Artifact, found: Artifact): Judgement {
  if (outcome.code === 0) {
    const wrong = differences(expected, found)
    return wrong.length === 0
      ? { verdict: 'correct', detail: '' }
      : { verdict: 'wrong artifact', detail: wrong.slice(0, 5).join('\n') }
  }
  return judgeError(outcome)
}

/** A clear error says what went wrong and what to do next, and shows nothing of the scripts' inside. */
export function judgeError({ code, stderr }: Outcome): Judgement {
  const text = stripVTControlCharacters(stderr).replace(/^warning: .*\n/gm, '')
  const lines = text.trimEnd().split('\n')
  const first = lines[0] ?? ''
  const isClear =
    code === 1 &&
    /^error: \S/.test(first) &&
    // Advice is the indented end.
    /^ {2,}\S/.test(lines.at(-1) ?? '') &&
    !/not an error the scripts foresee/.test(text) &&
    !/^\s+at .*:\d+(:\d+)?\)?$/m.test(text)
  return isClear
    ? { verdict: 'clear error', detail: first.slice('error: '.length) }
    : { verdict: 'unclear error', detail: `exit code ${code}\n${text.trimEnd()}` }
}
