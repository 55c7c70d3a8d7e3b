import { AssertionError } from 'node:assert'
import { goBackAfterKill, goOnAfterKill, rollSteps } from '../support/killed-roll.ts'
import type { Tally } from './tally.ts'
import type { Judgement } from './verdict.ts'

/** Kills rolls of V8 to a newer version at each step, and goes on, or back. */
export async function killRolls(signal: AbortSignal, tally: Tally): Promise<void> {
  for (const step of rollSteps) {
    for (const [row, round] of [
      ['roll, killed and run again', goOnAfterKill],
      ['roll, killed and given up', goBackAfterKill],
    ] as const) {
      signal.throwIfAborted()
      tally.add(row, await judgeRound(() => round(step)), `${row}: at ${step}`)
    }
  }
}

async function judgeRound(round: () => Promise<void>): Promise<Judgement> {
  try {
    await round()
    return { verdict: 'correct', detail: '' }
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error
    return { verdict: 'wrong artifact', detail: error.message }
  }
}
