import test from 'ava'
import { runScript } from '../support/run-script.ts'

const script = new URL('./interrupts.ts', import.meta.url)

// Was before: `switched` ran in the midst of the loop, which went on with the window that it had, freed or not.
for (const tiering of ['optimize', 'dynamic', 'baseline']) {
  for (const action of ['switch', 'close', 'transfer', 'grow']) {
    test.serial(
      `a debugger's evaluation waits for the code that runs: ${action}, ${tiering}`,
      async (t) => {
        const { exitCode, signal, stdout, stderr } = await runScript(script, {
          args: [action, tiering],
        })
        t.is(signal, null, stderr)
        t.is(exitCode, 0, stderr)
        t.is(stdout, 'loop: 0\nevaluated while the loop ran: false\nnow: 77\n')
      },
    )
  }
}
