import test from 'ava'
import { runScript } from '../support/run-script.ts'

for (const seed of [1, 2]) {
  test.serial(`whatever instances, references, regions and workers do, seed ${seed}`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(
      new URL('./round.ts', import.meta.url),
      { args: [String(seed), '4000'], timeout: 170_000 },
    )
    t.is(signal ?? exitCode, 0, stderr)
    t.true(JSON.parse(stdout).reads > 100, stdout)
  })
}
