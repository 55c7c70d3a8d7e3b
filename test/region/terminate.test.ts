import test from 'ava'
import { runScript } from '../support/run-script.ts'

const script = new URL('./terminate.ts', import.meta.url)

for (const [kind, what, workers] of [
  ['addon', 'allocate', 20],
  ['addon', 'open', 20],
  ['addon', 'borrow', 20],
  ['addon', 'hand out', 20],
  ['package', 'regions', 4],
  ['package', 'feeders', 4],
  ['package', 'attachments', 4],
  ['package', 'objects', 4],
] as const) {
  test.serial(`a worker can be terminated in the ${kind}: ${what}`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(script, {
      args: [kind, what, String(workers)],
    })
    t.is(signal, null, stderr)
    t.is(exitCode, 0, stderr)
    t.is(stdout, 'ended\n')
  })
}
