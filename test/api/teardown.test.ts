import test from 'ava'
import { runScript } from '../support/run-script.ts'

const script = new URL('./teardown.ts', import.meta.url)

const cases: [string, number, string][] = [
  ['the end of the program', 0, ''],
  ['the end of the program while attached', 0, ''],
  ['a compilation that nobody waits for', 0, 'compiled\n'],
  ['process.exit() after loading', 3, ''],
  ['process.exit() in an import', 4, ''],
  ['process.exit() in an import, nested', 4, ''],
  ['process.exit() with compilations under way', 5, ''],
  ['process.exit() in an exit handler that calls exports', 6, 'exit 42\n'],
  ['an uncaught error from an import', 1, ''],
  ['process.exit() while workers run', 8, ''],
  ['a worker that was the only one to load the package', 0, 'worker 42\nworker 42\n'],
  ['the timeout of node:vm in an endless loop', 0, 'interrupted\n42\n'],
]

for (const [name, code, output] of cases) {
  test(`teardown: ${name}`, async (t) => {
    const { exitCode, signal, stdout, stderr } = await runScript(script, { args: [name] })
    t.is(signal, null, stderr)
    t.is(exitCode, code, stderr)
    t.is(stdout, output)
    t.notRegex(stderr, /FATAL|Fatal|Check failed|Assertion/)
  })
}
