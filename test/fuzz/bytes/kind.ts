import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runScript } from '../../support/run-script.ts'
import { describeEnd, type Kind } from '../kind.ts'

/** Bytes that once did harm, made small: `<target>.<hash>`. */
export const corpus = join(import.meta.dirname, '../corpus/bytes')

const replay = (target: string, file: string, signal: AbortSignal) =>
  runScript(new URL('./replay.ts', import.meta.url), {
    args: [target, file],
    timeout: 30_000,
    signal,
  })

export const bytes: Kind = {
  description: 'damaged modules, code caches, lock files, parts of downloads and archives',
  async round(seed, { milliseconds, signal }) {
    mkdirSync(corpus, { recursive: true })
    const last = join(corpus, `.${process.pid}`)
    try {
      const result = await runScript(new URL('./round.ts', import.meta.url), {
        args: [String(seed), String(milliseconds), '1000000', last],
        timeout: milliseconds + 120_000,
        signal,
      })
      const lines = result.stdout.trim().split('\n')
      if (result.exitCode === 0) return { summary: lines.at(-1) ?? '' }
      const prefix = 'target: '
      const target = lines.findLast((line) => line.startsWith(prefix))?.slice(prefix.length)
      if (target === undefined) return { summary: 'did not begin', failure: describeEnd(result) }
      const smallest = await minimise(target, readFileSync(last), last, signal)
      const hash = createHash('sha256').update(smallest).digest('hex').slice(0, 12)
      const path = join(corpus, `${target}.${hash}`)
      writeFileSync(path, smallest)
      const failure = `${describeEnd(result)}\nThe minimised bytes are in ${path}.`
      return { summary: `${target} failed`, failure }
    } finally {
      rmSync(last, { force: true })
    }
  },
}

/** Leaves out halves, quarters and so on for as long as the rest still fails, for a minute at most. */
async function minimise(
  target: string,
  failing: Buffer,
  trial: string,
  signal: AbortSignal,
): Promise<Buffer> {
  let smallest = failing
  const end = Date.now() + 60_000
  for (let size = Math.ceil(failing.length / 2); size > 0 && Date.now() < end; ) {
    let isSmaller = false
    for (let begin = 0; begin < smallest.length && Date.now() < end; begin += size) {
      const rest = Buffer.concat([smallest.subarray(0, begin), smallest.subarray(begin + size)])
      writeFileSync(trial, rest)
      if ((await replay(target, trial, signal)).exitCode === 0) continue
      smallest = rest
      isSmaller = true
    }
    if (!isSmaller) size = size === 1 ? 0 : Math.ceil(size / 2)
  }
  return smallest
}
