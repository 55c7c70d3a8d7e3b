import test from 'ava'
import { runScript } from '../support/run-script.ts'

const script = new URL('./flags.ts', import.meta.url)

for (const [flags, flag] of [
  ['--no-liftoff --no-such-flag --trace', '--no-such-flag'],
  ['--stack-size=many', '--stack-size=many'],
  ['--stack-size', '--stack-size'],
  ['liftoff', 'liftoff'],
]) {
  test(`V8_RAWMEM_FLAGS='${flags}' is named, on each thread and at each call`, async (t) => {
    const { exitCode, stdout } = await runScript(script, { env: { V8_RAWMEM_FLAGS: flags! } })
    t.is(exitCode, 0)
    const lines = stdout.trim().split('\n')
    t.is(lines.length, 3)
    for (const line of lines) {
      t.regex(line, /^Error: V8_RAWMEM_FLAGS has '(.*)', which V8 [\d.]+ does not take; /)
      t.true(line.includes(`'${flag}'`))
    }
  })
}

test('flags that V8 takes work, with blanks around them', async (t) => {
  const { stdout } = await runScript(script, {
    env: { V8_RAWMEM_FLAGS: '  --no-liftoff   --stack_size 900 ' },
  })
  t.is(stdout, 'compiled\ncompiled\ncompiled\n')
})
