import test from 'ava'
import { runScript } from '../support/run-script.ts'

const script = new URL('./terminate.ts', import.meta.url)

for (const [what, workers] of [
  ['regions', 12],
  ['feeders', 6],
  ['attachments', 6],
  ['objects', 6],
] as const) {
  test.serial(`a worker can be terminated whatever it is at: ${what}`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(script, {
      args: [what, String(workers)],
    })
    t.is(signal, null, stderr)
    t.is(exitCode, 0, stderr)
    t.is(stdout, 'ended\n')
  })
}
