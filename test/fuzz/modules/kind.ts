import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withTemporaryFolder } from '../../../build-scripts/shared/files.ts'
import { runScript, type ScriptResult } from '../../support/run-script.ts'
import { describeEnd, type Kind, type RoundReport } from '../kind.ts'
import type { Case } from './case.ts'
import { generate } from './generate.ts'
import { minimise } from './minimise.ts'
import { type Setting, settings, terrainOf, terrains } from './terrain.ts'

/** Minimised cases: `<backend>.<hash>.json`, or `<backend>.trusted.<hash>.json`. */
export const corpus = join(import.meta.dirname, '../corpus/modules')

/** Case seeds of one round begin at a multiple of this. */
const seedsPerRound = 10_000

/** Has a script of this folder run in a setting. */
export function runIn(
  { backend, tier }: Setting,
  script: 'round.ts' | 'replay.ts' | 'binaryen-round.ts',
  args: readonly string[],
  timeout: number,
  signal?: AbortSignal,
): Promise<ScriptResult> {
  const flags = terrains[backend].tiers[tier]!
  const words = flags === '' ? [] : flags.split(' ')
  return runScript(new URL(script, import.meta.url), {
    args,
    timeout,
    signal,
    ...(backend === 'patched' ? { env: { V8_RAWMEM_FLAGS: flags } } : { nodeArgs: words }),
  })
}

const nameOf = ({ backend, tier }: Setting) => `${backend}/${tier}`

/** Those that match take turns. */
function choose(seed: number, only: RegExp, among: readonly Setting[]): Setting {
  const matching = among.filter((setting) => only.test(nameOf(setting)))
  return matching[seed % matching.length]!
}

/** Programs of our own generator, which is heavy on memory. */
export const modules: Kind = {
  description:
    'programs that are heavy on memory, on regions and host windows that the host switches meanwhile, against Node on copied memory',
  settings: settings.map(nameOf),
  async round(seed, { milliseconds, only, signal }) {
    const setting = choose(seed, only, settings)
    const args = [setting.backend, setting.tier]
    const result = await runIn(
      setting,
      'round.ts',
      [...args, String(seed * seedsPerRound), String(milliseconds), String(seedsPerRound)],
      milliseconds + 120_000,
      signal,
    )
    const lines = result.stdout.trim().split('\n')
    const last = lines.at(-1) ?? ''
    const where = args.join('/')
    if (result.exitCode === 0) {
      return { summary: `${where}: ${JSON.parse(last).cases} programs` }
    }
    if (!/^\d+$/.test(last)) {
      return { summary: `${where}: did not begin`, failure: describeEnd(result) }
    }
    return await report(setting, Number(last), result, signal)
  },
}

const untrusted = settings.filter((setting) => !terrainOf(setting).trusted)

/** Programs of Binaryen's generator, of which most do not touch the memory much. */
export const binaryen: Kind = {
  description: "programs of Binaryen's generator on a region and with host windows, against Node",
  settings: untrusted.map(nameOf),
  async round(seed, { milliseconds, only, signal }) {
    const setting = choose(seed, only, untrusted)
    const where = [setting.backend, setting.tier]
    const limits = [String(seed * seedsPerRound), String(milliseconds), String(seedsPerRound)]
    return await withTemporaryFolder(async (folder) => {
      const args = [...where, ...limits, folder]
      const result = await runIn(setting, 'binaryen-round.ts', args, milliseconds + 120_000, signal)
      const summary = `${where.join('/')}: ${result.stdout.trim()}`
      if (result.exitCode === 0) return { summary }
      const kept = mkdtempSync(join(tmpdir(), `v8-rawmem-binaryen-${seed}-`))
      cpSync(folder, kept, { recursive: true })
      return { summary, failure: `${describeEnd(result)}\nThe program is in ${kept}.` }
    })
  },
}

/** Makes a failing case small and keeps it. */
async function report(
  setting: Setting,
  seed: number,
  result: ScriptResult,
  signal: AbortSignal,
): Promise<RoundReport> {
  const { backend, tier } = setting
  const run = (file: string) => runIn(setting, 'replay.ts', [file, backend, tier], 30_000, signal)
  const trial = join(corpus, `.${process.pid}.json`)
  const fails = async (candidate: Case) => {
    writeFileSync(trial, JSON.stringify(candidate))
    return (await run(trial)).exitCode !== 0
  }
  mkdirSync(corpus, { recursive: true })
  try {
    const failing = generate(seed, terrainOf(setting))
    const smallest = await minimise(failing, fails)
    const json = `${JSON.stringify(smallest, undefined, 1)}\n`
    const hash = createHash('sha256').update(json).digest('hex').slice(0, 12)
    const terrain = tier.startsWith('trusted') ? `${backend}.trusted` : backend
    const path = join(corpus, `${terrain}.${hash}.json`)
    writeFileSync(path, json)
    const last = await run(path)
    return {
      summary: `${backend}/${tier}: case ${seed} failed`,
      failure: [
        describeEnd(result),
        `The minimised case is in ${path}. It ends with ${describeEnd(last)}`,
      ].join('\n'),
    }
  } finally {
    rmSync(trial, { force: true })
  }
}
