import test from 'ava'
import { ChunkFeeder, type FeederProgress, HostRegion, WebAssembly } from 'v8-rawmem'
import { controlBlock, type InternalOptions } from '../../bindings/feeder/options.ts'
import { collectUntil } from '../support/collect-garbage.ts'
import { hashOf, reader, stepper } from './programs.ts'

/** Windows of 100 bytes; `seen` is called at the end of each. */
function setUp(options: InternalOptions, seen: (window: number) => void = () => {}) {
  const bytes = new Uint8Array(1000).map((_, i) => i)
  const feeder = new ChunkFeeder(HostRegion.from(bytes), { windowSize: 100, ...options })
  let window = 0
  const instance: WebAssembly.Instance = new WebAssembly.Instance(reader(), {
    env: { next: feeder.next, seen: () => seen(++window) },
  })
  return { feeder, instance, run: instance.exports.run, expected: hashOf(bytes) }
}

function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds
  while (performance.now() < end);
}

// Abort signals

test('a signal that is aborted already stops the first call', (t) => {
  const reason = new Error('no')
  const { feeder, run } = setUp({ signal: AbortSignal.abort(reason) })
  t.is(
    t.throws(() => run()),
    reason,
  )
  t.is(
    t.throws(() => feeder.next()),
    reason,
  )
  t.is(feeder.windows, 0)
})

test('the reason is thrown as it is, whatever it is', (t) => {
  const symbol = Symbol('reason')
  for (const reason of [symbol, 'text', 5, { an: 'object' }]) {
    const { run } = setUp({ signal: AbortSignal.abort(reason) })
    let thrown: unknown
    try {
      run()
    } catch (error) {
      thrown = error
    }
    t.is(thrown, reason)
  }
})

test('without a reason, an AbortError is thrown', (t) => {
  const { run } = setUp({ signal: AbortSignal.abort() })
  const error = t.throws(() => run(), { any: true })
  t.is((error as Error).name, 'AbortError')
})

test('an abort by an import is noticed by the next call of next', (t) => {
  const controller = new AbortController()
  const reason = new RangeError('enough')
  const { feeder, run } = setUp({ signal: controller.signal }, (window) => {
    if (window === 3) controller.abort(reason)
  })
  t.is(
    t.throws(() => run()),
    reason,
  )
  t.is(feeder.windows, 3)
  t.is(
    t.throws(() => run()),
    reason,
  )
})

test('an abort by onProgress is noticed before the next window is mapped', (t) => {
  const controller = new AbortController()
  const reason = { done: true }
  const { feeder, run } = setUp(
    { signal: controller.signal, onProgress: () => controller.abort(reason) },
    (window) => {
      if (window === 4) busy(130)
    },
  )
  let thrown: unknown
  try {
    run()
  } catch (error) {
    thrown = error
  }
  t.is(thrown, reason)
  t.is(feeder.windows, 4)
  t.is(feeder.position, 400)
})

test('a module may catch an abort', (t) => {
  const { feeder } = setUp({ signal: AbortSignal.abort() })
  t.throws(() => feeder.next(), { any: true })
  t.notThrows(() => feeder.rewind())
  t.throws(() => feeder.next(), { any: true })
})

test.serial('a signal that lives on does not keep feeders', async (t) => {
  const { signal } = new AbortController()
  let collected = 0
  const registry = new FinalizationRegistry<void>(() => ++collected)
  for (let i = 0; i < 20; ++i) {
    const { feeder, run } = setUp({ signal })
    run()
    registry.register(feeder)
  }
  t.true(await collectUntil(() => collected >= 18), `${collected} of 20 collected`)
})

test('a closed feeder no longer listens to its signal', (t) => {
  const controller = new AbortController()
  const { signal } = controller
  let listeners = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = (...args: unknown[]) => {
    ++listeners
    Reflect.apply(addEventListener, signal, args)
  }
  signal.removeEventListener = (...args: unknown[]) => {
    --listeners
    Reflect.apply(removeEventListener, signal, args)
  }
  const { feeder } = setUp({ signal })
  t.is(listeners, 1)
  feeder.close()
  t.is(listeners, 0)
  controller.abort()
  t.throws(() => feeder.next(), { message: /closed/ })
})

// Progress

test('progress is reported at the end, and in between every 100 ms at most', (t) => {
  const reports: FeederProgress[] = []
  const times: number[] = []
  const onProgress = (progress: FeederProgress) => {
    reports.push(progress)
    times.push(performance.now())
  }
  const { run, expected, feeder } = setUp({ onProgress }, () => busy(35))
  const begin = performance.now()
  t.is(run(), expected)
  const took = performance.now() - begin
  t.deepEqual(reports.at(-1), { position: 1000, byteLength: 1000, windows: 10 })
  t.true(reports.length >= 3 && reports.length <= Math.floor(took / 100) + 1, `${reports.length}`)
  for (const [i, { position, byteLength, windows }] of reports.slice(0, -1).entries()) {
    t.is(byteLength, 1000)
    t.is(position, windows * 100)
    // The clock has a tick of some milliseconds.
    t.true((times[i] as number) - (times[i - 1] ?? begin) > 85)
  }
  // Once per end.
  const count = reports.length
  t.is(feeder.next(), 0)
  t.is(reports.length, count)
  feeder.rewind()
  run()
  t.true(reports.length > count)
})

test('a quick run is reported once', (t) => {
  const reports: FeederProgress[] = []
  const { run } = setUp({ onProgress: (progress) => reports.push(progress) })
  run()
  t.deepEqual(reports, [{ position: 1000, byteLength: 1000, windows: 10 }])
})

test('what onProgress throws goes through the module to the caller', (t) => {
  const error = new Error('mine')
  const { run, feeder } = setUp({
    onProgress: () => {
      throw error
    },
  })
  t.is(
    t.throws(() => run()),
    error,
  )
  t.is(feeder.position, 1000)
  // The end has been reported, well or badly.
  t.is(feeder.next(), 0)
})

/** Has `onProgress` called from within the run, with four windows seen. */
function reporting(onProgress: () => void) {
  let reported = false
  return setUp(
    {
      onProgress: () => {
        if (!reported) {
          reported = true
          onProgress()
        }
      },
    },
    (window) => {
      if (window === 4) busy(130)
    },
  )
}

test('onProgress may close the feeder', (t) => {
  const { feeder, run, instance } = reporting(() => feeder.close())
  t.throws(() => run(), { instanceOf: TypeError, message: 'next: the ChunkFeeder is closed' })
  t.throws(() => instance.exports.load(0), { instanceOf: WebAssembly.RuntimeError })
})

test('onProgress may close the feeder and its region', (t) => {
  const { feeder, run } = reporting(() => {
    feeder.close()
    feeder.region.close()
  })
  t.throws(() => run(), { instanceOf: TypeError, message: /is closed/ })
})

test('onProgress may close both at the end', (t) => {
  const { feeder, run, expected } = setUp({
    onProgress: () => {
      feeder.close()
      feeder.region.close()
    },
  })
  t.is(run(), expected)
  t.throws(() => feeder.next(), { message: /closed/ })
})

test('onProgress may rewind: the next window is the first one', (t) => {
  const { feeder, run } = reporting(() => feeder.rewind())
  const bytes = new Uint8Array(1000).map((_, i) => i)
  t.is(run(), hashOf(Uint8Array.from([...bytes.subarray(0, 400), ...bytes])))
  t.is(feeder.windows, 10)
})

test('a rewind at the end is for the next run', (t) => {
  const { feeder, run, expected } = setUp({ onProgress: () => feeder.rewind() })
  for (let i = 0; i < 3; ++i) t.is(run(), expected)
})

test('onProgress may call next itself', (t) => {
  const { feeder, run, expected } = reporting(() => {
    t.is(feeder.next(), 100)
    t.is(feeder.position, 400)
  })
  // The module sees that window, too.
  t.is(run(), expected)
})

test('onProgress may read on to the end', (t) => {
  const { feeder, run } = reporting(() => {
    while (feeder.next() !== 0);
  })
  const bytes = new Uint8Array(1000).map((_, i) => i)
  t.is(run(), hashOf(bytes.subarray(0, 400)))
})

test('onProgress may bind the feeder to another instance, which sees the following windows', (t) => {
  const other = new WebAssembly.Instance(stepper(), { env: { next: () => 0 } })
  const { feeder, run } = reporting(() => feeder.bind(other))
  // The program that called next is not told of a window that it does not see.
  t.throws(() => run(), {
    instanceOf: Error,
    message: /^next: onProgress has bound the ChunkFeeder to another instance/,
  })
  t.is(feeder.position, 400)
  t.is(feeder.next(), 100)
  t.is(other.exports.load(0), 400 % 256)
})

test('onProgress may bind the feeder elsewhere and back', (t) => {
  const other = new WebAssembly.Instance(stepper(), { env: { next: () => 0 } })
  const { feeder, run, instance, expected } = reporting(() => {
    feeder.bind(other)
    feeder.bind(instance)
  })
  t.is(run(), expected)
  t.is(feeder.windows, 10)
})

test('onProgress may take the feeder away', (t) => {
  const { feeder, run } = reporting(() => feeder.bind(null))
  t.throws(() => run(), { message: /not bound to an instance/ })
})

test('onProgress may run the same and other instances', (t) => {
  const inner = setUp({})
  const { run, expected, feeder, instance } = reporting(() => {
    t.is(inner.run(), inner.expected)
    t.is(instance.exports.load(0), 300 % 256)
  })
  t.is(run(), expected)
  t.is(feeder.windows, 10)
})

// Other threads

test('a control block shows how far the feeder is, and stops it', (t) => {
  const block = new SharedArrayBuffer(32)
  const words = new Int32Array(block)
  const longs = new BigUint64Array(block)
  const seen: unknown[] = []
  const { run, feeder, expected } = setUp({ [controlBlock]: block }, () => {
    seen.push([words[1], longs[1], longs[2]])
  })
  const state = () => [words[1], longs[1], longs[2]]
  t.deepEqual(state(), [0, 0n, 0n])
  t.is(run(), expected)
  t.deepEqual(
    seen,
    Array.from({ length: 10 }, (_, i) => [1, BigInt(i) * 100n, BigInt(i) + 1n]),
  )
  t.deepEqual(state(), [2, 1000n, 10n])
  feeder.rewind()
  t.deepEqual(state(), [0, 0n, 0n])
  feeder.next()
  Atomics.store(words, 0, 1)
  const error = t.throws(() => run(), { any: true })
  t.is((error as Error).name, 'AbortError')
  Atomics.store(words, 0, 0)
  t.is(feeder.next(), 100)
})

test('a control block may be a part of a larger one', (t) => {
  const blocks = new SharedArrayBuffer(96)
  const { run } = setUp({ [controlBlock]: new Uint8Array(blocks, 32, 32) })
  run()
  t.deepEqual(
    [...new BigUint64Array(blocks)],
    [0n, 0n, 0n, 0n, 2n << 32n, 1000n, 10n, 0n, 0n, 0n, 0n, 0n],
  )
})

test('a control block must be shared, aligned and large enough', (t) => {
  for (const block of [
    new ArrayBuffer(32),
    new Uint8Array(32),
    new SharedArrayBuffer(31),
    new Uint8Array(new SharedArrayBuffer(64), 4, 32),
    null,
  ]) {
    t.throws(() => setUp({ [controlBlock]: block as never }), { instanceOf: TypeError })
  }
})
