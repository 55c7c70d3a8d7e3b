import test from 'ava'
import { runScript } from '../support/run-script.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

const script = new URL('./teardown.ts', import.meta.url)

const cases: [string, number, string][] = [
  ['the end of the program with windows mapped', 0, ''],
  ['process.exit() in onProgress', 3, ''],
  ['process.exit() in an exit handler that goes on', 4, '100 2\n'],
  ['an uncaught refusal', 1, ''],
  ['close() in an exit handler', 0, ''],
]

for (const [name, code, output] of cases) {
  test(`teardown: ${name}`, async (t) => {
    const args = [name, temporaryFolder(t)]
    const { exitCode, signal, stdout, stderr } = await runScript(script, { args })
    t.is(signal, null, stderr)
    t.is(exitCode, code, stderr)
    t.is(stdout, output)
    t.notRegex(stderr, /FATAL|Fatal|Check failed|Assertion/)
  })
}
