import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { defaultWindowSize } from '../../bindings/feeder/options.ts'
import { patternBytes } from '../support/temporary-file.ts'
import { compile, hashOf, type ProgramOptions, reader, stepper } from './programs.ts'

const pageSize = 65536

function regionOf(bytes: Uint8Array): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(bytes.length)
  region.view(Uint8Array).set(bytes)
  return region
}

/** Runs the reader over the bytes; gives its hash, and the lengths of the windows that it saw. */
function read(
  region: HostRegion,
  options: ConstructorParameters<typeof ChunkFeeder>[1],
  program: ProgramOptions = {},
): { hash: bigint; lengths: number[]; feeder: ChunkFeeder } {
  using feeder = new ChunkFeeder(region, options)
  const lengths: number[] = []
  const { exports } = new WebAssembly.Instance(reader(program), {
    env: { next: feeder.next, seen: (length: number | bigint) => lengths.push(Number(length)) },
  })
  return { hash: exports.run(), lengths, feeder }
}

/** Adds up the bytes of both memories. */
const both = `(module
  (import "env" "next0" (func $next0 (result i32)))
  (import "env" "next1" (func $next1 (result i32)))
  (memory $left 0)
  (memory $right 0)
  (func (export "run") (result i32) (local $sum i32) (local $length i32) (local $at i32)
    (block $end
      (loop $window
        (local.set $length (call $next0))
        (br_if $end (i32.eqz (call $next1)))
        (local.set $at (i32.const 0))
        (loop $byte
          (local.set $sum (i32.add (local.get $sum) (i32.add
            (i32.load8_u $left (local.get $at)) (i32.load8_u $right (local.get $at)))))
          (br_if $byte (i32.lt_u
            (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
        (br $window)))
    (local.get $sum)))`

const bytes = patternBytes(200_003)
const expected = hashOf(bytes)

for (const windowSize of [1 << 20, 200_003, 200_002, 65_536, 4096, 4097, 1000, 7]) {
  test(`windows of ${windowSize} bytes show all bytes, each once, in order`, (t) => {
    const { hash, lengths } = read(regionOf(bytes), { windowSize })
    t.is(hash, expected)
    const whole = Math.floor(bytes.length / windowSize)
    const rest = bytes.length % windowSize
    t.deepEqual(lengths, [...Array(whole).fill(windowSize), ...(rest > 0 ? [rest] : [])])
  })
}

test('windows of one byte', (t) => {
  const few = patternBytes(300)
  const { hash, lengths } = read(regionOf(few), { windowSize: 1 })
  t.is(hash, hashOf(few))
  t.deepEqual(lengths, Array(300).fill(1))
})

test('without windowSize, all that fits is one window', (t) => {
  const { hash, lengths } = read(regionOf(bytes), undefined)
  t.is(hash, expected)
  t.deepEqual(lengths, [bytes.length])
})

test('the default window has a length that an i32 can say, or is the whole region', (t) => {
  t.is(defaultWindowSize('i32', 10), 2 ** 32 - pageSize)
  t.is(defaultWindowSize('i32', 2 ** 40), 2 ** 32 - pageSize)
  t.is(defaultWindowSize('i64', 2 ** 40), 2 ** 40)
  t.is(defaultWindowSize('i64', 0), 1)
})

test('lengths come as i64 where that is asked for', (t) => {
  for (const memoryType of ['i32', 'i64'] as const) {
    const { hash, lengths } = read(
      regionOf(bytes),
      { windowSize: 70_000, address: 'i64' },
      { address: 'i64', memoryType },
    )
    t.is(hash, expected)
    t.deepEqual(lengths, [70_000, 70_000, 60_003])
  }
})

test('a 64-bit memory takes windows with lengths in i32, too', (t) => {
  const { hash } = read(regionOf(bytes), { windowSize: 5000 }, { memoryType: 'i64' })
  t.is(hash, expected)
})

test('a part of a region is fed, and nothing beside it', (t) => {
  const part = regionOf(bytes).subarray(1001, 150_000)
  const { hash, lengths } = read(part, { windowSize: 50_000 })
  t.is(hash, hashOf(bytes.subarray(1001, 150_000)))
  t.deepEqual(lengths, [50_000, 50_000, 48_999])
})

test('borrowed bytes are fed, also those of shared buffers', (t) => {
  t.is(read(HostRegion.from(bytes.slice()), { windowSize: 999 }).hash, expected)
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length))
  shared.set(bytes)
  t.is(read(HostRegion.from(shared), { windowSize: 999 }).hash, expected)
})

test('a region of 0 bytes is at its end', (t) => {
  for (const region of [HostRegion.allocate(0), regionOf(bytes).subarray(5, 5)]) {
    using feeder = new ChunkFeeder(region)
    const { exports } = new WebAssembly.Instance(stepper({ minimum: 1 }), {
      env: { next: feeder.next },
    })
    t.is(exports.step(), 0)
    t.is(exports.stepAfter(0), 0)
    t.is(exports.size(), 1)
    t.is(feeder.windows, 0)
    t.is(feeder.position, 0)
  }
})

test('after the end there is nothing, and the last window stays', (t) => {
  using feeder = new ChunkFeeder(regionOf(bytes), { windowSize: 150_000 })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  t.is(exports.step(), 150_000)
  t.is(exports.step(), 50_003)
  for (let i = 0; i < 3; ++i) t.is(exports.step(), 0)
  t.is(exports.load(50_002), bytes[200_002])
  t.throws(() => exports.load(50_003), { instanceOf: WebAssembly.RuntimeError })
})

test('position and windows tell how far it is', (t) => {
  using feeder = new ChunkFeeder(regionOf(bytes), { windowSize: 100_000 })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  const state = () => [feeder.position, feeder.windows]
  t.deepEqual(state(), [0, 0])
  exports.step()
  t.deepEqual(state(), [0, 1])
  exports.step()
  t.deepEqual(state(), [100_000, 2])
  exports.stepAfter(99_000)
  t.deepEqual(state(), [199_000, 3])
  exports.step()
  t.deepEqual(state(), [200_003, 3])
  exports.step()
  t.deepEqual(state(), [200_003, 3])
})

test('rewind begins anew, wherever it was', (t) => {
  using feeder = new ChunkFeeder(regionOf(bytes), { windowSize: 30_000 })
  const instance = new WebAssembly.Instance(reader(), {
    env: { next: feeder.next, seen: () => {} },
  })
  t.is(instance.exports.run(), expected)
  t.is(instance.exports.run(), 0n)
  for (let run = 0; run < 3; ++run) {
    feeder.rewind()
    t.is(feeder.position, 0)
    t.is(feeder.windows, 0)
    t.is(instance.exports.run(), expected)
    t.is(feeder.windows, 7)
  }
  feeder.rewind()
  feeder.next()
  feeder.next(17)
  feeder.rewind()
  t.is(instance.exports.run(), expected)
})

test('any memory of the module takes the windows, and the others stay what they are', (t) => {
  for (const memory of [1, 3]) {
    const { hash } = read(
      regionOf(bytes),
      { windowSize: 1234, memoryIndex: memory },
      { memory, minimum: 0 },
    )
    t.is(hash, expected)
  }
})

test('two feeders feed two memories of one instance', (t) => {
  const left = patternBytes(10_000)
  const right = left.map((byte) => 255 - byte)
  using first = new ChunkFeeder(regionOf(left), { windowSize: 77 })
  using second = new ChunkFeeder(regionOf(right), { windowSize: 77, memoryIndex: 1 })
  const instance = new WebAssembly.Instance(compile(both), {
    env: { next0: first.next, next1: second.next },
  })
  t.is(instance.exports.run(), 10_000 * 255)
})

test('windows are stored to, in the region itself', (t) => {
  const region = regionOf(bytes)
  using feeder = new ChunkFeeder(region, { windowSize: 60_000, writable: true })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  for (let window = 0; exports.step() > 0; ++window) exports.store(window, 200 + window)
  const view = region.view(Uint8Array)
  for (let window = 0; window < 4; ++window) t.is(view[window * 60_000 + window], 200 + window)
})

test('JavaScript may call next in place of the module', (t) => {
  using feeder = new ChunkFeeder(regionOf(bytes), { windowSize: 10_000 })
  const lengths: number[] = []
  const instance: WebAssembly.Instance = new WebAssembly.Instance(reader(), {
    env: {
      next: () => {
        const length = feeder.next() as number
        lengths.push(length)
        return length
      },
      seen: () => {},
    },
  })
  feeder.bind(instance)
  t.is(instance.exports.run(), expected)
  t.is(lengths.length, 22)
  feeder.rewind()
  const { next } = feeder
  t.is(next(), 10_000)
  t.is(next(1), 10_000)
  t.is(instance.exports.load(0), bytes[1])
  using wide = new ChunkFeeder(regionOf(bytes), { address: 'i64' })
  wide.bind(instance)
  t.is(wide.next(), 200_003n)
  t.is(wide.next(200_003n), 0n)
})

test('a length of 4 GiB less a byte comes back right', (t) => {
  // Sparse: nothing of it is touched but its ends.
  const region = HostRegion.allocate(2 ** 33)
  region.view(Uint8Array, 2 ** 32 - 2, 1)[0] = 77
  using feeder = new ChunkFeeder(region, { windowSize: 2 ** 32 - 1 })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  t.is(exports.step() >>> 0, 2 ** 32 - 1)
  t.is(exports.load(-2), 77)
  // An i32 is negative here for JavaScript, and means a size.
  t.is(exports.stepAfter(-1) >>> 0, 2 ** 32 - 1)
  t.is(feeder.position, 2 ** 32 - 1)
  t.is(exports.step(), 2)
})

test('a 64-bit memory takes a whole region beyond 4 GiB as one window', (t) => {
  const region = HostRegion.allocate(2 ** 34)
  region.view(Uint8Array, 2 ** 34 - 1, 1)[0] = 88
  using feeder = new ChunkFeeder(region, { address: 'i64' })
  const { exports } = new WebAssembly.Instance(stepper({ address: 'i64', memoryType: 'i64' }), {
    env: { next: feeder.next },
  })
  t.is(exports.step(), 2n ** 34n)
  t.is(exports.load(2n ** 34n - 1n), 88)
  t.is(exports.size(), 2n ** 34n / BigInt(pageSize))
  t.is(exports.step(), 0n)
})
