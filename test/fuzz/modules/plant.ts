import type { BackendName } from 'v8-rawmem'
import { runIn } from './kind.ts'

/**
 * How many cases notice that each region is larger than it should be: by one byte, on `node-rewire`
 * by one page of memory.
 */
export async function countSeen(
  backend: BackendName,
  cases: number,
): Promise<{ cases: number; seen: number }> {
  const tier = 'turboshaft'
  const args = [backend, tier, '1', '170000', String(cases), 'planted']
  const { stdout, stderr, exitCode } = await runIn({ backend, tier }, 'round.ts', args, 180_000)
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout.trim().split('\n').at(-1)!)
}
