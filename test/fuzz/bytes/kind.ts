import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { withTemporaryFolder } from '../../../build-scripts/shared/files.ts'
import { runScript } from '../../support/run-script.ts'
import { describeEnd, type Kind } from '../kind.ts'

/** Bytes that once did harm, made small: `<target>.<hash>`. */
export const corpus = join(import.meta.dirname, '../corpus/bytes')

export const bytes: Kind = {
  description: 'damaged modules, code caches, lock files, parts of downloads and archives',
  round: (seed, { milliseconds, signal }) =>
    withTemporaryFolder(async (folder) => {
      const last = join(folder, 'last')
      const run = (script: string, args: readonly string[], timeout: number) =>
        runScript(new URL(script, import.meta.url), {
          args,
          // A process that crashes leaves its files behind.
          env: { TMPDIR: folder },
          timeout,
          signal,
        })
      const args = [String(seed), String(milliseconds), '1000000', last]
      const result = await run('./round.ts', args, milliseconds + 120_000)
      const lines = result.stdout.trim().split('\n')
      if (result.exitCode === 0) return { summary: lines.at(-1) ?? '' }
      const prefix = 'target: '
      const target = lines.findLast((line) => line.startsWith(prefix))?.slice(prefix.length)
      if (target === undefined) return { summary: 'did not begin', failure: describeEnd(result) }
      const smallest = await minimise(readFileSync(last), async (trial) => {
        writeFileSync(last, trial)
        return (await run('./replay.ts', [target, last], 30_000)).exitCode !== 0
      })
      const hash = createHash('sha256').update(smallest).digest('hex').slice(0, 12)
      mkdirSync(corpus, { recursive: true })
      const path = join(corpus, `${target}.${hash}`)
      writeFileSync(path, smallest)
      const failure = `${describeEnd(result)}\nThe minimised bytes are in ${path}.`
      return { summary: `${target} failed`, failure }
    }),
}

/** Leaves out halves, quarters and so on for as long as the rest still fails, for a minute at most. */
async function minimise(
  failing: Buffer,
  fails: (trial: Buffer) => Promise<boolean>,
): Promise<Buffer> {
  let smallest = failing
  const end = Date.now() + 60_000
  for (let size = Math.ceil(failing.length / 2); size > 0 && Date.now() < end; ) {
    let isSmaller = false
    for (let begin = 0; begin < smallest.length && Date.now() < end; begin += size) {
      const rest = Buffer.concat([smallest.subarray(0, begin), smallest.subarray(begin + size)])
      if (!(await fails(rest))) continue
      smallest = rest
      isSmaller = true
    }
    if (!isSmaller) size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return smallest
}
