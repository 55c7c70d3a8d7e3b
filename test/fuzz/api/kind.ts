import { runScript } from '../../support/run-script.ts'
import { describeEnd, type Kind } from '../kind.ts'

export const api: Kind = {
  description:
    'calls of the API in any order, with garbage collections, terminations and workers that are ended, against a model that knows who keeps whom',
  async round(seed, { milliseconds, signal }) {
    const result = await runScript(new URL('./round.ts', import.meta.url), {
      args: [String(seed), String(milliseconds)],
      timeout: milliseconds + 120_000,
      signal,
    })
    if (result.exitCode === 0) return { summary: result.stdout.trim() }
    return { summary: 'failed', failure: describeEnd(result) }
  },
}
