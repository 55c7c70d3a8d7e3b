import test from 'ava'
import { runScript } from '../support/run-script.ts'

// Each in a process of its own: what is tested is that the process lives on.
for (const what of ['tables', 'structs', 'arrays']) {
  test.serial(`${what} without end are a RangeError, and the engine goes on`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(
      new URL('./heap.ts', import.meta.url),
      { args: [what], env: { V8_RAWMEM_FLAGS: '--max-old-space-size=64' } },
    )
    t.is(signal, null, stderr)
    t.is(exitCode, 0, stderr)
    t.regex(stdout, /^RangeError: .*\nRangeError: .*\n42\n$/)
  })
}
