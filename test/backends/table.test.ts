import test from 'ava'
import { collectOutcomes } from './collect-outcomes.ts'
import { readTable } from './table.ts'

test('the table in docs/backends.md says what the backends do under this Node', async (t) => {
  const expected = readTable(process.version)
  if (expected === undefined) return t.pass(`Node ${process.version} is not in the table`)
  t.deepEqual(
    await collectOutcomes(process.execPath),
    expected,
    'docs/backends.md is stale: run "npm run test:nodes -- --table"',
  )
})
