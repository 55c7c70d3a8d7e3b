// A short run of each fuzzer with seeds that do not change, and the cases of the corpus.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import type { BackendName } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { temporaryFolder } from '../support/temporary-file.ts'
import { corpus as bytesCorpus } from './bytes/kind.ts'
import { describeEnd } from './kind.ts'
import { corpus, runIn } from './modules/kind.ts'
import { countSeen } from './modules/plant.ts'

for (const [backend, tier] of [
  ['patched', 'liftoff'],
  ['patched', 'turboshaft'],
  ['patched', 'dynamic'],
  ['patched', 'trusted-liftoff'],
  ['patched', 'trusted-turboshaft'],
  ['node-raw', 'turboshaft'],
  ['node-rewire', 'turboshaft'],
] as const) {
  test.serial(`random programs do what they do in Node: ${backend}, ${tier}`, async (t) => {
    const args = [backend, tier, '1', '60000', '25']
    const result = await runIn({ backend, tier }, 'round.ts', args, 120_000)
    t.is(
      result.exitCode,
      0,
      `case ${result.stdout.trim().split('\n').at(-1)}: ${describeEnd(result)}`,
    )
  })
}

test.serial('a region of one byte too many is noticed', async (t) => {
  const { cases, seen } = await countSeen('patched', 20)
  t.is(cases, 20)
  t.true(seen >= 18, `${seen} of ${cases}`)
})

for (const file of readdirSync(corpus).filter((name) => /^[a-z].*\.json$/.test(name))) {
  const backend = file.split('.')[0] as BackendName
  test.serial(`a program of the corpus: ${file}`, async (t) => {
    const tiers = file.includes('.trusted.')
      ? ['trusted-liftoff', 'trusted-turboshaft']
      : ['liftoff', 'turboshaft', 'dynamic']
    for (const tier of tiers) {
      const args = [join(corpus, file), backend, tier]
      const result = await runIn({ backend, tier }, 'replay.ts', args, 60_000)
      t.is(result.exitCode, 0, `${tier}: ${describeEnd(result)}`)
    }
  })
}

test.serial('damaged bytes are refused, or right', async (t) => {
  const last = join(temporaryFolder(t), 'last')
  const result = await runScript(new URL('./bytes/round.ts', import.meta.url), {
    args: ['1', '60000', '12', last],
    timeout: 120_000,
  })
  t.is(result.exitCode, 0, describeEnd(result))
  t.regex(result.stdout, /[1-9]\d* of 12 archives taken/)
})

for (const file of readdirSync(bytesCorpus).filter((name) => /^[a-z]/.test(name))) {
  test.serial(`bytes of the corpus: ${file}`, async (t) => {
    const result = await runScript(new URL('./bytes/replay.ts', import.meta.url), {
      args: [file.split('.')[0]!, join(bytesCorpus, file)],
    })
    t.is(result.exitCode, 0, describeEnd(result))
  })
}

test.serial('whatever instances, references, regions and workers do', async (t) => {
  const result = await runScript(new URL('./api/round.ts', import.meta.url), {
    args: ['1', '4000'],
    timeout: 170_000,
  })
  t.is(result.exitCode, 0, describeEnd(result))
  t.true(JSON.parse(result.stdout).reads > 100, result.stdout)
})
