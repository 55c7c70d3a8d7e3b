import test from 'ava'
import { runScript } from '../support/run-script.ts'

const runner = new URL('../../samples/run.ts', import.meta.url)

test('a sample is run by the name of its folder, with its own options', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(runner, { args: ['scan', '--help'] })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Usage: npm run sample scan -- \[options\]/)
})

for (const [args, message] of [
  [[], /^error: A sample needs a name; there are allocator, arrow, /],
  [['skan'], /^error: There is no sample skan; there are allocator, arrow, /],
  [['shared'], /^error: There is no sample shared; /],
] as const) {
  test(`a sample that is not there: ${args.join(' ') || 'no name'}`, async (t) => {
    const { exitCode, stdout, stderr } = await runScript(runner, { args })
    t.is(exitCode, 1)
    t.is(stdout, '')
    t.regex(stderr, message)
  })
}
