import test from 'ava'
import { fittingSize } from '../../bench/memory.ts'

const GiB = 2 ** 30

test('data are halved until there is room for them', (t) => {
  t.is(fittingSize(4 * GiB, 1.5, 6 * GiB), 4 * GiB)
  t.is(fittingSize(4 * GiB, 1.5, 6 * GiB - 1), 2 * GiB)
  t.is(fittingSize(16 * GiB, 1.1, 3 * GiB), 2 * GiB)
})

test('data are never halved to nothing', (t) => {
  t.is(fittingSize(GiB, 1, 0), 65_536)
})
