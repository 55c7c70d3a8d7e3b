import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { forLog, NinjaOutput, runNinja } from '../../build-scripts/shared/ninja.ts'
import { endTools } from '../../build-scripts/shared/shell.ts'
import { AdvisedError } from '../../terminal/advised-error.ts'
import { temporaryFolder } from '../support/temporary-file.ts'

/** A ninja project of one rule: `command` makes `$out`. */
function project(t: ExecutionContext, command: string, outputs: readonly string[]) {
  const root = temporaryFolder(t)
  const folder = join(root, 'out')
  mkdirSync(folder)
  const lines = ['rule make', `  command = ${command}`, '  description = MAKE $out']
  for (const output of outputs) lines.push(`build ${output}: make source`)
  lines.push(`build all: phony ${outputs.join(' ')}`)
  writeFileSync(join(folder, 'build.ninja'), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'source'), '1\n')
  const run = () =>
    runNinja({
      title: 'compile',
      folder,
      targets: ['all'],
      jobs: 1,
      logFolder: join(root, 'logs'),
    })
  return { folder, log: join(root, 'logs/compile.log'), run }
}

test('compiles, writes a log, and does nothing the second time', async (t) => {
  const { folder, log, run } = project(t, 'echo a word from $out; cp $in $out', ['a.o', 'b.o'])
  t.true(await run())
  t.true(existsSync(join(folder, 'b.o')))
  const text = readFileSync(log, 'utf8')
  t.regex(text, /^\[1\/2\] MAKE a\.o\na word from a\.o\n\[2\/2\] MAKE b\.o$/m)
  t.false(await run())
})

test('shows what the failing step wrote, and where the log is', async (t) => {
  const command = 'test $out = a.o && touch $out || { echo "source:1: error: no $out"; false; }'
  const { folder, log, run } = project(t, command, ['a.o', 'b.o'])
  const error = await t.throwsAsync(run(), { instanceOf: AdvisedError })
  t.regex(error.message, /^compile failed:\nFAILED: b\.o/)
  t.regex(error.message, /source:1: error: no b\.o/)
  t.true(error.advice.includes(log))
  t.true(existsSync(join(folder, 'a.o')))
})

// Serial, for it ends all tools that run.
test.serial('stops when interrupted, leaves nothing half-written, and goes on', async (t) => {
  const { folder, run } = project(
    t,
    'test -e slow || { touch slow; echo half > $out; sleep 60; }; cp $in $out',
    ['a.o'],
  )
  const running = run()
  while (!existsSync(join(folder, 'slow'))) await sleep(20)
  endTools()
  await t.throwsAsync(running)
  t.false(existsSync(join(folder, 'a.o')))
  t.true(await run())
  t.is(readFileSync(join(folder, 'a.o'), 'utf8'), '1\n')
})

test("tells a full disk from a compiler's error", async (t) => {
  const { run } = project(t, 'cat $in > /dev/full', ['a.o'])
  const error = await t.throwsAsync(run(), { instanceOf: AdvisedError })
  t.regex(error.message, /^The disk is full: compile could not go on writing to /)
})

test('names what ninja itself complains of', async (t) => {
  const { folder, run } = project(t, 'true', ['a.o'])
  writeFileSync(join(folder, 'build.ninja'), 'build all: nonsense\n')
  const error = await t.throwsAsync(run(), { instanceOf: AdvisedError })
  t.regex(error.message, /unknown build rule 'nonsense'/)
})

test('counts steps as ninja finds more of them', (t) => {
  const output = new NinjaOutput()
  for (const line of ['\u001e1/10 CXX a.o', 'a warning', '\u001e2/12 CXX b.o']) output.line(line)
  t.is(output.done, 2)
  t.is(output.total, 12)
  t.deepEqual(output.failures, [])
  t.is(forLog('\u001e2/12 CXX b.o'), '[2/12] CXX b.o')
  t.is(forLog('a warning'), 'a warning')
})
