import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { compile } from './programs.ts'

/** Counts windows, and does nothing with them. */
const counter = (type: 'i32' | 'i64', parameter: boolean) =>
  compile(`(module
    (import "env" "next" (func $next ${parameter ? `(param ${type})` : ''} (result ${type})))
    (memory 0)
    (func (export "run") (result i32) (local $count i32) (local $length ${type})
      (loop $window
        (local.set $length (call $next ${parameter ? '(local.get $length)' : ''}))
        (if (${type}.ne (local.get $length) (${type}.const 0)) (then
          (local.set $count (i32.add (local.get $count) (i32.const 1)))
          (br $window))))
      (local.get $count)))`)

const windows = 4096
const windowSize = 16
const region = HostRegion.allocate(windows * windowSize)

/** Medians hold on a busy machine, too: a round is shorter than a time slice. */
function medianNanoseconds(round: () => void): number {
  const times: number[] = []
  for (let i = 0; i < 301; ++i) {
    const begin = process.hrtime.bigint()
    round()
    times.push(Number(process.hrtime.bigint() - begin))
  }
  return times.sort((a, b) => a - b)[150] as number
}

for (const address of ['i32', 'i64'] as const) {
  for (const parameter of [false, true]) {
    test.serial(
      `a switch takes well under 200 ns: ${address}${parameter ? ', with consumed' : ''}`,
      (t) => {
        using feeder = new ChunkFeeder(region, { windowSize, address })
        const { exports } = new WebAssembly.Instance(counter(address, parameter), {
          env: { next: feeder.next },
        })
        const each =
          medianNanoseconds(() => {
            feeder.rewind()
            if (exports.run() !== windows) throw new Error('Windows are missing')
          }) / windows
        t.log(`${each.toFixed(1)} ns`)
        t.true(each < 200, `${each} ns`)
      },
    )
  }
}

test.serial('switches leave the system alone', (t) => {
  using feeder = new ChunkFeeder(region, { windowSize })
  const { exports } = new WebAssembly.Instance(counter('i32', false), {
    env: { next: feeder.next },
  })
  exports.run()
  const before = process.resourceUsage()
  const rounds = 500
  for (let i = 0; i < rounds; ++i) {
    feeder.rewind()
    exports.run()
  }
  const after = process.resourceUsage()
  const nanoseconds = ((after.systemCPUTime - before.systemCPUTime) * 1000) / (rounds * windows)
  // No system call is that quick.
  t.true(nanoseconds < 25, `${nanoseconds} ns in the system per switch`)
})

test.serial('millions of switches leave nothing behind', (t) => {
  using feeder = new ChunkFeeder(HostRegion.allocate(6_000_000), { windowSize: 1, address: 'i64' })
  const { exports } = new WebAssembly.Instance(counter('i64', true), {
    env: { next: feeder.next },
  })
  const before = process.memoryUsage.rss()
  t.is(exports.run(), 6_000_000)
  const growth = process.memoryUsage.rss() - before
  t.true(growth < 2 ** 26, `grew by ${growth} bytes`)
})
