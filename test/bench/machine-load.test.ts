import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import test from 'ava'
import { tooMuchLoad, watchLoad } from '../../bench/machine-load.ts'

const processors = cpus().length

test('figures of an idle machine are results', (t) => {
  t.is(tooMuchLoad({ averageBefore: 0, others: 0 }), undefined)
  t.is(tooMuchLoad({ averageBefore: 0.5 * processors, others: 0.1 }), undefined)
})

test('figures of a busy machine are none', (t) => {
  t.regex(
    tooMuchLoad({ averageBefore: 0.5 * processors + 0.1, others: 0 })!,
    /^The machine was busy before the benchmark: a load of \d+\.\d on \d+ processors$/,
  )
  t.is(
    tooMuchLoad({ averageBefore: 0, others: 0.25 }),
    'Other processes took 25 % of the processors while the benchmark ran',
  )
})

test('what another process takes is seen, and is not what this one takes', async (t) => {
  const program = 'console.log(1); const end = Date.now() + 60_000; while (Date.now() < end);'
  const busy = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  try {
    await once(busy.stdout, 'data')
    const so = watchLoad()
    const end = Date.now() + 1500
    while (Date.now() < end);
    const { others, averageBefore } = so()
    // One processor of all is this test's. The other process may share it with more.
    t.true(others > 0.1 / processors, `${others}`)
    t.true(others <= 1)
    t.true(averageBefore >= 0)
  } finally {
    busy.kill('SIGKILL')
  }
})
