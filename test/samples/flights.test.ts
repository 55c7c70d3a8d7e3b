import test from 'ava'
import { Command } from 'commander'
import { program } from '../../samples/flights/options.ts'
import { runScript } from '../support/run-script.ts'

const sample = new URL('../../samples/flights/main.ts', import.meta.url)

const run = (...args: string[]) => runScript(sample, { args })

test.serial(
  'the result over several windows is verified, with no terminal in plain lines',
  async (t) => {
    const { exitCode, stdout, stderr } = await run(
      '--size',
      '200MB',
      '--window',
      '33MB',
      '--runs',
      '2',
    )
    t.is(exitCode, 0, stderr)
    t.regex(stdout, /^Memory {5}8 × 3,000,000 flights, columns distance, delay: 183\.11 MiB/m)
    t.regex(stdout, /^Run 1 .* 6 windows of up to 31\.47 MiB$/m)
    t.regex(stdout, /^Run 2 .* GB\/s/m)
    t.regex(stdout, /^Result {5}count 1,241,992, average 51\.972, min 16, max 1688$/m)
    t.regex(stdout, /^Verified {3}count and sum 64,548,824 are exactly 8 times/m)
    t.regex(stderr, /^Filling: 183\.11 MiB of 183\.11 MiB$/m)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: looks for a terminal's escapes
    t.notRegex(stdout + stderr, /\u001b/)
  },
)

test.serial('a query of its own, with texts', async (t) => {
  const { exitCode, stdout, stderr } = await run(
    ...['--size', '100MB', '--window', '4GiB', '--runs', '1'],
    ...['--where', "origin = 'SFO' and hour >= 18", '--value', 'distance * 2'],
  )
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^Memory .*columns origin, hour, distance/m)
  t.regex(stdout, /^Run 1 .* 1 window of/m)
  t.regex(stdout, /^Verified/m)
})

for (const backend of ['node-raw', 'node-rewire']) {
  test.serial(`the same result on the backend ${backend}`, async (t) => {
    const { exitCode, stdout, stderr } = await run(
      ...['--backend', backend, '--size', '200MB', '--window', '65MB', '--runs', '2'],
    )
    t.is(exitCode, 0, stderr)
    t.regex(stdout, new RegExp(`^Module .* for ${backend}; `, 'm'))
    t.regex(stdout, /^Result {5}count 1,241,992, average 51\.972, min 16, max 1688$/m)
    t.regex(stdout, /^Verified {3}count and sum 64,548,824 are exactly 8 times/m)
  })
}

test('--help explains the options and the columns', (t) => {
  let help = ''
  program.configureOutput({ writeOut: (text) => (help += text) })
  program.outputHelp()
  for (const text of ['--size', '--window', '--where', '--value', '--runs', 'destination']) {
    t.true(help.includes(text), text)
  }
})

for (const [options, message] of [
  [
    ['--size', 'big'],
    /--size <bytes>' argument 'big' is invalid\. A size is a whole number of bytes/,
  ],
  [['--size', '-1'], /argument '-1' is invalid/],
  [['--window', '5GiB'], /A window has at most 4GiB/],
  [['--window', '0'], /A size is a whole number of bytes, at least 1/],
  [['--runs', '0'], /integer from 1 to 1000/],
  [['--runs', '1.5'], /integer from 1 to 1000/],
  [['--backend', 'node'], /Allowed choices are patched, node-raw, node-rewire/],
  [['--sise', '1'], /unknown option '--sise'/],
  [['8GiB'], /too many arguments/],
] as const) {
  test(`${options.join(' ')}: an error that says what is allowed`, (t) => {
    const command = new Command().copyInheritedSettings(program)
    command.exitOverride().configureOutput({ writeErr: () => {} })
    for (const option of program.options) command.addOption(option)
    t.throws(() => command.parse([...options], { from: 'user' }), { message })
  })
}

for (const [options, message] of [
  [['--where', 'speed > 1'], /^error: There is no column speed/],
  [['--size', '1000TiB'], /^error: --size .* is more than 90 % of the memory available/],
  [['--window', '1000'], /^error: --window must be at least 500000 bytes/],
] as const) {
  test.serial(`${options.join(' ')}: an error before anything is read`, async (t) => {
    const { exitCode, stdout, stderr } = await run(...options)
    t.is(exitCode, 1)
    t.is(stdout, '')
    t.regex(stderr, message)
  })
}
