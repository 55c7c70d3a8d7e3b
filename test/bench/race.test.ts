import test from 'ava'
import { aimsOf } from '../../bench/aims.ts'
import { copied, native, patched } from '../../bench/contenders.ts'
import { median, type Race, runRace } from '../../bench/race.ts'

const course = (rounds: number) => ({
  rounds,
  signal: new AbortController().signal,
  step() {},
})

test('contenders take turns, and each round begins with another', async (t) => {
  const order: string[] = []
  const contender = (name: string) => ({
    name,
    run() {
      order.push(name)
      return { seconds: 1 }
    },
  })
  await runRace(
    {
      suite: 'suite',
      case: 'case',
      unit: 's',
      contenders: ['a', 'b', 'c'].map(contender),
    },
    course(3),
  )
  t.is(order.join(''), 'abc' + 'bca' + 'cab' + 'abc')
})

test('the warm-up does not count, and ratios are those of the same round', async (t) => {
  const contender = (name: string, seconds: readonly number[]) => {
    let runs = 0
    return { name, run: () => ({ seconds: seconds[runs++]! }) }
  }
  // The machine is ten times slower in the last round.
  const rows = await runRace(
    {
      suite: 'suite',
      case: 'case',
      unit: 'GB/s',
      bytes: 1e9,
      baseline: 'slow',
      contenders: [contender('fast', [100, 1, 1, 10]), contender('slow', [1, 2, 2, 20])],
    },
    course(3),
  )
  const [fast, slow] = rows as [(typeof rows)[0], (typeof rows)[0]]
  t.deepEqual(fast.samples, [1, 1, 0.1])
  t.is(fast.median, 1)
  t.is(fast.speed, 2)
  t.is(slow.speed, 1)
})

test('contenders that do not agree end the run', async (t) => {
  const race: Race = {
    suite: 'suite',
    case: 'case',
    unit: 's',
    contenders: [
      { name: 'right', run: () => ({ seconds: 1, result: 42n }) },
      { name: 'wrong', run: () => ({ seconds: 1, result: 41n }) },
    ],
  }
  await t.throwsAsync(runRace(race, course(1)), {
    message: "suite, case: 'wrong' gives 41, but 'right' gave 42",
  })
})

test('an interrupt ends a race before the next run', async (t) => {
  const interrupt = new AbortController()
  let runs = 0
  await t.throwsAsync(
    runRace(
      {
        suite: 'suite',
        case: 'case',
        unit: 's',
        contenders: [
          {
            name: 'only',
            run() {
              if (++runs === 2) interrupt.abort(new Error('enough'))
              return { seconds: 1 }
            },
          },
        ],
      },
      { ...course(9), signal: interrupt.signal },
    ),
    { message: 'enough' },
  )
  t.is(runs, 2)
})

test('an aim is missed where the contender is slower than it says', async (t) => {
  const rows = await runRace(
    {
      suite: 'scan',
      case: 'i64, SIMD',
      unit: 'GB/s',
      bytes: 1e9,
      contenders: [
        { name: patched, run: () => ({ seconds: 1.25 }) },
        { name: native, run: () => ({ seconds: 1 }) },
        { name: copied, run: () => ({ seconds: 2.5 }) },
      ],
    },
    course(1),
  )
  const aims = aimsOf(rows).map(({ measured, met }) => ({ measured, met }))
  t.deepEqual(aims, [
    { measured: 0.8, met: false },
    { measured: 2, met: true },
  ])
})

test('the median of an even number of values lies between the two in the middle', (t) => {
  t.is(median([4, 1, 3, 2]), 2.5)
  t.is(median([3, 1, 2]), 2)
})
