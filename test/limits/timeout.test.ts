import { createContext, runInContext } from 'node:vm'
import test, { type ExecutionContext } from 'ava'
import { ChunkFeeder, HostRegion, openBackend, runWithLimits, WebAssembly } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'
import { endlessStart, instantiate, spin } from './programs.ts'

/** Gives the error. */
function checkTimedOut(t: ExecutionContext, call: () => unknown): DOMException {
  // Not an error for AVA on Node 20.
  const error = t.throws(call, { any: true }) as unknown as DOMException
  t.true(error instanceof DOMException, String(error))
  t.is(error.name, 'TimeoutError')
  return error
}

/** Nothing is left over for later calls, however long they take. */
function checkUsable(t: ExecutionContext, exports: WebAssembly.Exports): void {
  t.is(exports.answer(), 42)
  t.is(exports.rounds(100_000_000), 300_000_000)
  t.is(exports.call(), 42)
}

for (const tiering of ['optimize', 'dynamic', 'baseline'] as const) {
  test.serial(`a loop ends within 50 ms of its timeout (${tiering})`, (t) => {
    const exports = instantiate(undefined, tiering)
    const late: number[] = []
    for (const timeout of [1, 20, 100, 1, 20, 100]) {
      const begin = performance.now()
      checkTimedOut(t, () => runWithLimits({ timeout }, exports.loop))
      late.push(performance.now() - begin - timeout)
    }
    t.log(`late by ${late.map((each) => each.toFixed(1)).join(', ')} ms`)
    late.sort((a, b) => a - b)
    t.true(late[0]! >= 0)
    t.true(late[3]! < 50)
    // On a busy machine, a thread may wait for a processor.
    t.true(late[5]! < 2000)
    checkUsable(t, exports)
  })
}

test.serial('the error names the timeout, and memory is as the code left it', (t) => {
  const exports = instantiate()
  const error = checkTimedOut(t, () => runWithLimits({ timeout: 30 }, exports.loop))
  t.is(error.message, 'The call did not return within its timeout of 30 ms')
  const rounds = new BigInt64Array(exports.memory.buffer)[1] as bigint
  t.true(rounds > 1000n)
  checkTimedOut(t, () => runWithLimits({ timeout: 30 }, exports.loop))
  t.true((new BigInt64Array(exports.memory.buffer)[1] as bigint) > rounds)
})

test.serial('arguments and results pass, and what is in time is not ended', (t) => {
  const exports = instantiate()
  t.is(runWithLimits({ timeout: 60_000 }, exports.rounds, 10), 30)
  t.is(
    runWithLimits({ timeout: 60_000 }, (a: number, b: string) => `${a}${b}`, 1, 'b'),
    '1b',
  )
  const error = new Error('of the callback')
  const thrown = t.throws(() =>
    runWithLimits({ timeout: 60_000 }, () => {
      throw error
    }),
  )
  t.is(thrown, error)
  checkUsable(t, exports)
})

test.serial('many calls about as long as their timeout give their result or the error', (t) => {
  const exports = instantiate()
  const begin = performance.now()
  exports.rounds(10_000_000)
  const rounds = Math.round(10_000_000 / (performance.now() - begin))
  let ended = 0
  for (let i = 0; i < 1000; ++i) {
    // From a third of a millisecond to one and two thirds. The watchdog may be late for all of them, but not for 200.
    const milliseconds = i % 50 === 0 ? 200 : (500 + i) / 1500
    const length = Math.round(rounds * milliseconds)
    try {
      t.is(runWithLimits({ timeout: 1 }, exports.rounds, length), length * 3)
    } catch (error) {
      if ((error as Error).name !== 'TimeoutError') throw error
      ++ended
    }
    if (exports.answer() !== 42) t.fail()
  }
  t.log(`${ended} of 1000 ended`)
  t.true(ended > 0 && ended < 1000)
  checkUsable(t, exports)
})

test.serial('code of WebAssembly cannot catch it', (t) => {
  const exports = instantiate()
  checkTimedOut(t, () => runWithLimits({ timeout: 20 }, exports.caught))
  t.is(new Int32Array(exports.memory.buffer)[0], 0)
  checkUsable(t, exports)
})

test.serial('a program ends when the import that ran meanwhile returns, or throws', (t) => {
  for (const throws of [false, true]) {
    for (const name of ['call', 'caught', 'imports']) {
      let calls = 0
      const exports = instantiate(() => {
        ++calls
        spin(60)
        if (throws) throw new Error('of the import')
        return 1
      })
      const begin = performance.now()
      checkTimedOut(t, () => runWithLimits({ timeout: 20 }, exports[name]))
      t.true(performance.now() - begin >= 60)
      t.is(calls, 1)
      t.is(new Int32Array(exports.memory.buffer)[0], 0)
      t.is(exports.answer(), 42)
    }
  }
})

test.serial('an import may catch the error, but no further code runs', (t) => {
  const errors: unknown[] = []
  const exports = instantiate(() => {
    for (const name of ['loop', 'answer', 'answer']) {
      try {
        exports[name]()
        t.fail()
      } catch (error) {
        errors.push(error)
      }
    }
    return 1
  })
  const error = checkTimedOut(t, () => runWithLimits({ timeout: 20 }, exports.caught))
  t.deepEqual(errors, [error, error, error])
  t.is(errors[0], error)
  t.is(new Int32Array(exports.memory.buffer)[0], 0)
})

test.serial('a callback that catches the error returns what it likes', (t) => {
  const exports = instantiate()
  const result = runWithLimits({ timeout: 20 }, () => {
    checkTimedOut(t, exports.loop)
    checkTimedOut(t, exports.answer)
    return 'caught'
  })
  t.is(result, 'caught')
  checkUsable(t, exports)
})

test.serial('the outer program goes on when an inner call has passed its own limit', (t) => {
  let inner: unknown
  const exports = instantiate(() => {
    inner = checkTimedOut(t, () => runWithLimits({ timeout: 20 }, exports.loop))
    return 1
  })
  t.is(runWithLimits({ timeout: 60_000 }, exports.call), 42)
  t.is((inner as DOMException).message, 'The call did not return within its timeout of 20 ms')
  t.is(exports.call(), 42)
})

test.serial('an inner call cannot outlast the outer one', (t) => {
  const seen: unknown[] = []
  const exports = instantiate(() => {
    seen.push(checkTimedOut(t, () => runWithLimits({ timeout: 60_000 }, exports.loop)))
    return 1
  })
  const begin = performance.now()
  const error = checkTimedOut(t, () => runWithLimits({ timeout: 40 }, exports.caught))
  t.true(performance.now() - begin < 30_000)
  t.is(error.message, 'The call did not return within its timeout of 40 ms')
  t.deepEqual(seen, [error])
  t.is(new Int32Array(exports.memory.buffer)[0], 0)
  checkUsable(t, instantiate())
})

test.serial('of two limits passed, the outer one tells', (t) => {
  const exports = instantiate(() => spin(60))
  const error = checkTimedOut(t, () =>
    runWithLimits({ timeout: 30 }, () => runWithLimits({ timeout: 20 }, () => exports.call())),
  )
  t.is(error.message, 'The call did not return within its timeout of 30 ms')
})

test.serial('an endless start function ends', (t) => {
  const module = new WebAssembly.Module(endlessStart)
  checkTimedOut(t, () => runWithLimits({ timeout: 20 }, () => new WebAssembly.Instance(module)))
  t.is(instantiate().answer(), 42)
})

test.serial('memory.fill of many megabytes ends before it is done', (t) => {
  const exports = instantiate()
  t.is(exports.grow(16_383), 1)
  const size = 16_384 * 65_536
  checkTimedOut(t, () => runWithLimits({ timeout: 5 }, exports.fill, size))
  t.is(new Uint8Array(exports.memory.buffer)[size - 1], 0)
  t.is(exports.answer(), 42)
})

test.serial('a loop over the windows of a feeder ends', (t) => {
  using feeder = new ChunkFeeder(HostRegion.allocate(1000), { windowSize: 1 })
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module
        (import "env" "next" (func $next (result i32)))
        (memory 0)
        (func (export "go") (loop $again (drop (call $next)) (br $again))))`),
    ),
    { env: { next: feeder.next } },
  )
  checkTimedOut(t, () => runWithLimits({ timeout: 20 }, exports.go))
  t.is(feeder.position, 1000)
})

test.serial('the timeout of node:vm still ends everything', (t) => {
  const exports = instantiate()
  const scope = { exports, runWithLimits, after: 0 }
  t.throws(
    () =>
      runInContext(
        'try { runWithLimits({ timeout: 60000 }, exports.loop) } catch { ++after } finally { ++after }',
        createContext(scope),
        { timeout: 100 },
      ),
    { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' },
  )
  t.is(scope.after, 0)
  checkUsable(t, exports)
})

test.serial('a limited call within a script of node:vm is an error for the script', (t) => {
  const exports = instantiate()
  const code =
    'let name; try { runWithLimits({ timeout: 20 }, exports.loop) } catch (e) { name = e.name } name'
  const scope = createContext({ exports, runWithLimits })
  t.is(runInContext(code, scope, { timeout: 60_000 }), 'TimeoutError')
  checkUsable(t, exports)
})

test.serial('worker.terminate() ends a limited call', async (t) => {
  const worker = startWorker(new URL('./limited-worker.ts', import.meta.url), {})
  await new Promise((resolve) => worker.once('message', resolve))
  const begin = performance.now()
  await worker.terminate()
  t.true(performance.now() - begin < 30_000)
  t.is(instantiate().answer(), 42)
})

test.serial('process.exit() within a limited call ends the process as it should', async (t) => {
  const { exitCode, signal, stderr } = await runScript(new URL('./exit-within.ts', import.meta.url))
  t.is(signal, null, stderr)
  t.is(exitCode, 7, stderr)
})

test('what is no limit is refused', (t) => {
  const call = (limits: unknown, callback: unknown = () => 1) =>
    runWithLimits(limits as { timeout: number }, callback as () => unknown)
  for (const timeout of [0, -1, Number.NaN, 0.5, Number.POSITIVE_INFINITY, 2 ** 31]) {
    t.throws(() => call({ timeout }), {
      instanceOf: RangeError,
      message: `runWithLimits: timeout must be an integer from 1 to 2147483647; got ${timeout}`,
    })
  }
  for (const timeout of ['10', 10n, null]) {
    t.throws(() => call({ timeout }), {
      instanceOf: TypeError,
      message: /timeout must be a number/,
    })
  }
  for (const limits of [undefined, null, 10]) {
    t.throws(() => call(limits), { instanceOf: TypeError, message: /limits must be an object/ })
  }
  t.throws(() => call({}), {
    instanceOf: TypeError,
    message: 'runWithLimits: limits must have one of timeout, signal, stop, stackSize',
  })
  t.throws(() => call({ timeout: 1, stacksize: 1 }), {
    instanceOf: TypeError,
    message:
      "runWithLimits: limits must have one of timeout, signal, stop, stackSize; got 'stacksize'",
  })
  t.throws(() => call({ timeout: 1 }, 1), { message: /callback must be a function; got 1/ })
})

test('an asynchronous callback is refused', (t) => {
  t.throws(() => runWithLimits({ timeout: 1000 }, async () => {}), {
    instanceOf: TypeError,
    message: /callback returned a promise/,
  })
})

for (const name of ['node-raw', 'node-rewire'] as const) {
  test(`${name} refuses limits, and says what to use`, (t) => {
    const backend = openBackend(name)
    t.throws(() => backend.runWithLimits({ timeout: 10 }, () => 1), {
      message: new RegExp(`'${name}' runs programs in Node's own V8.*'patched'.*node:vm`),
    })
  })
}

test.serial('what a limit costs', (t) => {
  const { answer } = instantiate()
  const signal = new AbortController().signal
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const kinds: Record<string, () => number> = {
    'no limit': () => answer(),
    timeout: () => runWithLimits({ timeout: 1000 }, answer) as number,
    signal: () => runWithLimits({ signal }, answer) as number,
    stop: () => runWithLimits({ stop }, answer) as number,
    stackSize: () => runWithLimits({ stackSize: 65_536 }, answer) as number,
  }
  for (const [name, call] of Object.entries(kinds)) {
    const times: number[] = []
    for (let round = 0; round < 101; ++round) {
      const begin = process.hrtime.bigint()
      for (let i = 0; i < 200; ++i) if (call() !== 42) t.fail()
      times.push(Number(process.hrtime.bigint() - begin) / 200)
    }
    const median = times.sort((a, b) => a - b)[50] as number
    t.log(`${name}: ${median.toFixed(0)} ns a call`)
    t.true(median < 50_000)
  }
})
