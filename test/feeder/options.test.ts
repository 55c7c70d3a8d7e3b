import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { compile, stepper } from './programs.ts'

const region = HostRegion.allocate(1000)

function make(options: unknown): ChunkFeeder {
  return new ChunkFeeder(region, options as never)
}

const wrong: [unknown, typeof TypeError | typeof RangeError, string][] = [
  [null, TypeError, 'ChunkFeeder: options must be an object; got null'],
  [5, TypeError, 'ChunkFeeder: options must be an object; got 5'],
  [
    { windowSize: 0 },
    RangeError,
    "ChunkFeeder: windowSize must be an integer from 1 to 4294967295, what an i32 can say; for larger windows give address: 'i64'; got 0",
  ],
  [{ windowSize: -1 }, RangeError, 'windowSize'],
  [{ windowSize: 1.5 }, RangeError, 'got 1.5'],
  [{ windowSize: Number.NaN }, RangeError, 'got NaN'],
  [{ windowSize: 2 ** 32 }, RangeError, 'got 4294967296'],
  [{ windowSize: '1' }, TypeError, 'windowSize must be a number, an integer from 1'],
  [{ windowSize: 1n }, TypeError, 'got 1n'],
  [{ windowSize: null }, TypeError, 'got null'],
  [
    { windowSize: 2 ** 47 + 1, address: 'i64' },
    RangeError,
    'ChunkFeeder: windowSize must be an integer from 1 to 140737488355328; got 140737488355329',
  ],
  [{ address: 'i16' }, TypeError, "ChunkFeeder: address must be 'i32' or 'i64'; got 'i16'"],
  [{ address: null }, TypeError, 'got null'],
  [
    { memoryIndex: -1 },
    RangeError,
    'ChunkFeeder: memoryIndex must be an integer from 0 to 99999; got -1',
  ],
  [{ memoryIndex: 100_000 }, RangeError, 'got 100000'],
  [
    { memoryIndex: '0' },
    TypeError,
    "memoryIndex must be a number, an integer from 0 to 99999; got '0'",
  ],
  [{ writable: 1 }, TypeError, 'ChunkFeeder: writable must be a boolean; got 1'],
  [{ prefetch: 'no' }, TypeError, "ChunkFeeder: prefetch must be a boolean; got 'no'"],
  [{ release: null }, TypeError, 'ChunkFeeder: release must be a boolean; got null'],
  [{ onProgress: {} }, TypeError, 'ChunkFeeder: onProgress must be a function; got {}'],
  [{ signal: {} }, TypeError, 'ChunkFeeder: signal must be an AbortSignal; got {}'],
]

for (const [index, [options, instanceOf, message]] of wrong.entries()) {
  test(`options refused, case ${index}: ${message}`, (t) => {
    const error = t.throws(() => make(options), { instanceOf })
    t.true(error?.message.includes(message), error?.message)
  })
}

test('undefined stands for the default', (t) => {
  t.notThrows(() =>
    make({
      windowSize: undefined,
      address: undefined,
      memoryIndex: undefined,
      writable: undefined,
      prefetch: undefined,
      release: undefined,
      onProgress: undefined,
      signal: undefined,
    }),
  )
})

test('the region must be an open one', (t) => {
  for (const value of [
    undefined,
    null,
    {},
    new ArrayBuffer(8),
    Object.create(HostRegion.prototype),
  ]) {
    t.throws(() => new ChunkFeeder(value as never), {
      instanceOf: TypeError,
      message: /^region must be a HostRegion/,
    })
  }
  const closed = HostRegion.allocate(8)
  closed.close()
  t.throws(() => new ChunkFeeder(closed), {
    instanceOf: TypeError,
    message: 'region: the HostRegion is closed',
  })
})

test('options are read once', (t) => {
  let reads = 0
  using feeder = make({
    get windowSize() {
      return ++reads
    },
  })
  t.is(reads, 1)
  feeder.bind(new WebAssembly.Instance(stepper(), { env: { next: feeder.next } }))
  t.is(feeder.next(), 1)
})

test('the class looks like one', (t) => {
  using feeder = make({})
  t.is(Object.prototype.toString.call(feeder), '[object ChunkFeeder]')
  t.is(feeder.region, region)
  t.is(feeder.next, feeder.next)
  t.is(feeder.next.name, 'next')
  t.throws(() => Reflect.construct(feeder.next, []), { instanceOf: TypeError })
  t.throws(() => (ChunkFeeder as unknown as () => void)(), { instanceOf: TypeError })
  for (const name of ['next', 'position', 'windows', 'region'] as const) {
    t.throws(() => Reflect.get(ChunkFeeder.prototype, name, {}), { instanceOf: TypeError })
  }
})

test('windows that the memory does not take say which number is wrong', (t) => {
  const bytes = HostRegion.allocate(300_000)
  const step = (options: object, program: Parameters<typeof stepper>[0]) => {
    using feeder = new ChunkFeeder(bytes, options)
    const { exports } = new WebAssembly.Instance(stepper(program), { env: { next: feeder.next } })
    exports.step()
    exports.step()
  }
  t.throws(() => step({ windowSize: 100_000 }, { minimum: 2 }), {
    instanceOf: RangeError,
    message:
      'windowSize must be at least 131072 bytes (2 pages), the minimum that the module declares for memory 0; got 100000',
  })
  t.throws(() => step({ windowSize: 250_000 }, { minimum: 1 }), {
    instanceOf: RangeError,
    message:
      'the last window must have at least 65536 bytes (1 pages), the minimum that the module declares for memory 0; declare that memory with a minimum of 0 pages; got 50000',
  })
  t.throws(() => step({ memoryIndex: 1 }, {}), {
    instanceOf: RangeError,
    message: 'memoryIndex must be the index of a memory of the instance; got 1',
  })
  const large = HostRegion.allocate(2 ** 32 + 1)
  using feeder = new ChunkFeeder(large, { address: 'i64' })
  const { exports } = new WebAssembly.Instance(stepper({ address: 'i64' }), {
    env: { next: feeder.next },
  })
  t.throws(() => exports.step(), {
    instanceOf: RangeError,
    message:
      'windowSize must be no more bytes than addresses of memory 0 reach (4294967296 for a memory of 32 bits); got 4294967297',
  })
})

test('a module whose types are others than address says gets a TypeError', (t) => {
  using narrow = make({})
  const wide = new WebAssembly.Instance(stepper({ address: 'i64' }), { env: { next: narrow.next } })
  t.throws(() => wide.exports.step(), { instanceOf: TypeError })
  using other = make({ address: 'i64' })
  const instance = new WebAssembly.Instance(stepper(), { env: { next: other.next } })
  t.throws(() => instance.exports.step(), { instanceOf: TypeError })
})

test('a shared memory cannot show windows', (t) => {
  using feeder = new ChunkFeeder(region)
  const { exports } = new WebAssembly.Instance(
    compile(`(module
      (import "env" "next" (func $next (result i32)))
      (memory 1 1 shared)
      (func (export "step") (result i32) (call $next)))`),
    { env: { next: feeder.next } },
  )
  t.throws(() => exports.step(), {
    instanceOf: TypeError,
    message: 'memoryIndex names a shared memory, which cannot be replaced; got 0',
  })
})
