import test from 'ava'
import { sp500 } from '../../samples/shared/table.ts'
import { runScript } from '../support/run-script.ts'

const sample = new URL('../../samples/parallel/main.ts', import.meta.url)

test.serial('one worker and three find what is in the table', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '2MB', '--workers', '3', '--window', '10001'],
  })
  t.is(exitCode, 0, stderr)
  const lines = sp500().lines.toString().trimEnd().split('\n')
  const copies = Math.floor(2e6 / sp500().lines.length)
  t.is(copies, 4)
  const sum = lines.reduce((total, line) => total + BigInt(line.split(',')[6]!), 0n) * 4n
  t.regex(stdout, /^1 worker .* GB\/s$/m)
  t.regex(stdout, /^3 workers .* GB\/s, [\d.]+ times as fast as one$/m)
  t.true(
    stdout.includes(
      `Result     volume: 20,420 lines, sum ${sum.toLocaleString('en-US')}, 0 without an integer\n`,
    ),
    stdout,
  )
  t.regex(stdout, /^Verified {3}4 times what plain JavaScript has for the 5,105 lines/m)
})

test.serial('a column of fractions has no integers, and one worker is enough', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(sample, {
    args: ['--size', '1', '--workers', '1', '--column', 'close'],
  })
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Result {5}close: 5,105 lines, sum 0, 5,105 without an integer$/m)
  t.notRegex(stdout, /workers/)
})

for (const [args, message] of [
  [['--workers', '0'], /'0' is invalid\. Allowed is an integer from 1 to 1024\.$/m],
  [['--column', 'speed'], /^error: there is no column speed in date, open, .*--column$/m],
  [['--size', '1000TiB'], /^error: --size .* is more than 90 % of the memory available/m],
  [
    ['--size', '1MB', '--window', '40'],
    /^error: .* longer than the 40 bytes of .*; choose a larger --window$/m,
  ],
] as const) {
  test.serial(`${args.join(' ')}: an error that says what is wrong`, async (t) => {
    const { exitCode, stdout, stderr } = await runScript(sample, { args })
    t.is(exitCode, 1)
    t.notRegex(stdout, /Result/)
    t.regex(stderr, message)
  })
}
