import test from 'ava'
import { startProgress } from '../../terminal/progress.ts'

// Ava gives the tests a pipe for stderr.
test('without a terminal there is a line for each quarter, also when the total grows', (t) => {
  const lines: string[] = []
  const progress = startProgress('Writing', 100, String, {
    from: 30,
    more: (value, total) => `, ${total - value} left`,
    print: (line) => lines.push(line),
  })
  for (const value of [40, 50, 60]) progress.update(value)
  progress.update(70, 1000)
  progress.update(740)
  progress.update(750)
  progress.update(1000)
  progress.stop()
  t.deepEqual(lines, [
    'Writing: 50 of 100, 50 left',
    'Writing: 750 of 1000, 250 left',
    'Writing: 1000 of 1000, 0 left',
  ])
})

test('a total of 0 makes no lines', (t) => {
  const progress = startProgress('', 0, String, { print: (line) => t.fail(line) })
  progress.update(0)
  progress.stop()
  t.pass()
})
