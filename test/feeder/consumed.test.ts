import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { compile, lineReader, linesOf, type ProgramOptions, stepper } from './programs.ts'

function regionOf(text: string): HostRegion {
  return HostRegion.from(Buffer.from(text))
}

function readLines(
  text: string,
  windowSize: number,
  program: ProgramOptions = {},
): [number, bigint] {
  const { address = 'i32' } = program
  using feeder = new ChunkFeeder(regionOf(text), { windowSize, address })
  const { exports } = new WebAssembly.Instance(lineReader(program), { env: { next: feeder.next } })
  return exports.run()
}

const lines = Array.from({ length: 500 }, (_, i) => 'x'.repeat((i * 37) % 61)).join('\n')
const longest = 60

for (const [name, text] of [
  ['a line end at the end', `${lines}\n`],
  ['no line end at the end', `${lines}\nrest`],
  ['an empty last line', `${lines}\n\n`],
] as const) {
  for (const windowSize of [
    longest + 1,
    longest + 2,
    100,
    4096,
    text.length - 1,
    text.length,
    1 << 20,
  ]) {
    test(`lines straddle windows of ${windowSize} bytes: ${name}`, (t) => {
      t.deepEqual(readLines(text, windowSize), linesOf(text))
      t.deepEqual(readLines(text, windowSize, { address: 'i64', memoryType: 'i64' }), linesOf(text))
    })
  }
}

test('the rest without a line end may be all there is', (t) => {
  t.deepEqual(readLines('no end', 100), [1, 6n])
  t.deepEqual(readLines('', 100), [0, 0n])
})

test('a line longer than a window is refused, and says where it begins', (t) => {
  const text = `short\n${'x'.repeat(100)}\n`
  t.throws(() => readLines(text, 50), {
    instanceOf: RangeError,
    message:
      'next: consumed must not be 0 in a window that others follow: the record that begins at byte 6 of the region is longer than the 50 bytes of the window; choose a larger windowSize',
  })
})

test('the next window begins where the last one was used up', (t) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
  using feeder = new ChunkFeeder(HostRegion.from(bytes), { windowSize: 40 })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  t.is(exports.stepAfter(0), 40)
  t.is(exports.load(0), 0)
  t.is(exports.stepAfter(1), 40)
  t.is(exports.load(0), 1)
  t.is(exports.stepAfter(39), 40)
  t.is(exports.load(0), 40)
  t.is(exports.stepAfter(30), 30)
  t.is(exports.load(0), 70)
  t.is(exports.stepAfter(1), 29)
  t.is(exports.load(28), 99)
  t.is(exports.stepAfter(29), 0)
  t.is(feeder.position, 100)
})

test('0 in the window that reaches the end ends it, and leaves the rest mapped', (t) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, i) => i)
  using feeder = new ChunkFeeder(HostRegion.from(bytes), { windowSize: 60 })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  exports.step()
  t.is(exports.stepAfter(50), 50)
  for (let i = 0; i < 3; ++i) {
    t.is(exports.stepAfter(0), 0)
    t.is(feeder.position, 50)
    t.is(exports.load(49), 99)
  }
  // Which may be used up all the same.
  t.is(exports.stepAfter(10), 40)
  t.is(exports.step(), 0)
  t.is(feeder.position, 100)
  t.is(exports.stepAfter(0), 0)
})

test('what cannot have been used up is refused, and nothing changes', (t) => {
  using feeder = new ChunkFeeder(HostRegion.from(new Uint8Array(100)), { windowSize: 60 })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  t.throws(() => exports.stepAfter(1), {
    instanceOf: RangeError,
    message:
      'next: consumed must be an integer from 0 to 0, as there is no window, or it is used up; got 1',
  })
  exports.step()
  for (const [consumed, shown] of [
    [61, '61'],
    [-1, '4294967295'],
  ] as const) {
    t.throws(() => exports.stepAfter(consumed), {
      instanceOf: RangeError,
      message: `next: consumed must be an integer from 0 to 60, the bytes of the last window; got ${shown}`,
    })
  }
  t.throws(() => exports.stepAfter(0), { instanceOf: RangeError, message: /longer than the 60/ })
  t.deepEqual([feeder.position, feeder.windows], [0, 1])
  t.is(exports.stepAfter(60), 40)
})

test('i64: a negative one is a size far too large', (t) => {
  using feeder = new ChunkFeeder(HostRegion.from(new Uint8Array(100)), { address: 'i64' })
  const { exports } = new WebAssembly.Instance(stepper({ address: 'i64' }), {
    env: { next: feeder.next },
  })
  exports.step()
  t.throws(() => exports.stepAfter(-1n), {
    instanceOf: RangeError,
    message: /from 0 to 100, the bytes of the last window; got 18446744073709551615$/,
  })
})

test('JavaScript passes numbers, bigints and nothing', (t) => {
  using feeder = new ChunkFeeder(HostRegion.from(new Uint8Array(100)), { windowSize: 10 })
  feeder.bind(new WebAssembly.Instance(stepper(), { env: { next: () => 0 } }))
  t.is(feeder.next(), 10)
  t.is(feeder.next(3), 10)
  t.is(feeder.next(4n), 10)
  t.is(feeder.next(undefined), 10)
  t.is(feeder.position, 17)
  t.is(feeder.next(-0 + 5), 10)
  for (const consumed of [1.5, Number.NaN, Number.POSITIVE_INFINITY, -(2 ** 40), 2n ** 70n]) {
    t.throws(() => feeder.next(consumed), {
      instanceOf: RangeError,
      message: 'next: consumed must be an integer from 0 to 10, the bytes of the last window',
    })
  }
  for (const consumed of [null, '1', {}, Symbol('1'), true]) {
    t.throws(() => feeder.next(consumed as never), {
      instanceOf: TypeError,
      message: 'next: consumed must be a number or a bigint, or left out',
    })
  }
  t.is(feeder.position, 22)
})

test('a bigint that reaches next through WebAssembly is not cut off', (t) => {
  using feeder = new ChunkFeeder(HostRegion.from(new Uint8Array(100)), { windowSize: 10 })
  const module = compile(`(module
    (import "env" "next" (func $next (param externref) (result i32)))
    (memory 0)
    (func (export "step") (param externref) (result i32) (call $next (local.get 0))))`)
  const { step } = new WebAssembly.Instance(module, { env: { next: feeder.next } }).exports
  t.is(step(undefined), 10)
  t.is(step(2n), 10)
  for (const consumed of [2n ** 64n + 2n, -(2n ** 64n) + 2n]) {
    const refused = {
      instanceOf: RangeError,
      message: 'next: consumed must be an integer from 0 to 10, the bytes of the last window',
    }
    t.throws(() => feeder.next(consumed), refused)
    t.throws(() => step(consumed), refused)
  }
  t.is(feeder.position, 2)
})
