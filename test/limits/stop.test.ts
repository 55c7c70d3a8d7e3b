import { getEventListeners, once } from 'node:events'
import { Worker } from 'node:worker_threads'
import test from 'ava'
import { runWithLimits } from 'v8-rawmem'
import { instantiate } from './programs.ts'

test.serial('another thread stops a loop', async (t) => {
  const exports = instantiate()
  const stop = new Int32Array(new SharedArrayBuffer(8), 4)
  const worker = new Worker(
    `const { workerData, parentPort } = require('node:worker_threads')
     parentPort.on('message', () => Atomics.store(workerData, 0, 1))`,
    { eval: true, workerData: stop },
  )
  await once(worker, 'online')
  for (let round = 0; round < 3; ++round) {
    Atomics.store(stop, 0, 0)
    worker.postMessage('stop')
    const error = t.throws(() => runWithLimits({ stop, timeout: 60_000 }, exports.loop), {
      any: true,
    }) as unknown as DOMException
    t.true(error instanceof DOMException)
    t.is(error.name, 'AbortError')
    t.is(error.message, 'The call was stopped by another thread')
    t.is(exports.answer(), 42)
    t.is(exports.rounds(1_000_000), 3_000_000)
  }
  // Its first element, and that only.
  t.is(new Int32Array(stop.buffer)[0], 0)
  await worker.terminate()
})

test.serial('what has been stopped before does not begin', (t) => {
  const stop = new Int32Array(new SharedArrayBuffer(4)).fill(1)
  t.throws(() => runWithLimits({ stop }, () => t.fail()), { any: true })
  const reason = new Error('no')
  const signal = AbortSignal.abort(reason)
  const error = t.throws(() => runWithLimits({ signal }, () => t.fail()))
  t.is(error, reason)
})

test.serial('an import stops its program by the signal', (t) => {
  const controller = new AbortController()
  const { signal } = controller
  const reason = new Error('enough')
  let calls = 0
  const exports = instantiate(() => {
    if (++calls === 3) controller.abort(reason)
    return 1
  })
  t.is(
    t.throws(() => runWithLimits({ signal }, exports.imports)),
    reason,
  )
  t.is(calls, 3)
  t.is(new Int32Array(exports.memory.buffer)[0], 0)
  t.is(exports.answer(), 42)
})

test.serial('a signal stops the call that has it, and those within', (t) => {
  const controller = new AbortController()
  const { signal } = controller
  const reason = new Error('enough')
  const seen: unknown[] = []
  const exports = instantiate(() => {
    if (seen.length > 0) return 1
    seen.push(
      t.throws(() =>
        runWithLimits({ timeout: 60_000 }, () => {
          controller.abort(reason)
          exports.loop()
        }),
      ),
    )
    return 1
  })
  t.is(
    runWithLimits({ timeout: 60_000 }, () => {
      t.is(
        t.throws(() => runWithLimits({ signal }, exports.call)),
        reason,
      )
      return exports.call()
    }),
    42,
  )
  t.deepEqual(seen, [reason])
})

test.serial('no listener stays at the signal', (t) => {
  const { signal } = new AbortController()
  const exports = instantiate(() => {
    t.is(getEventListeners(signal, 'abort').length, 1)
    return 1
  })
  for (let i = 0; i < 20; ++i) t.is(runWithLimits({ signal }, exports.call), 42)
  t.throws(() =>
    runWithLimits({ signal }, () => {
      throw new Error('x')
    }),
  )
  t.is(getEventListeners(signal, 'abort').length, 0)
})

test('what is no signal or nothing to stop by is refused', (t) => {
  const call = (limits: object) => runWithLimits(limits, () => 1)
  t.throws(() => call({ signal: {} }), { message: /signal must be an AbortSignal; got/ })
  for (const stop of [
    new Int32Array(1),
    new SharedArrayBuffer(4),
    new Int32Array(new SharedArrayBuffer(0)),
    new Uint32Array(new SharedArrayBuffer(4)),
  ]) {
    t.throws(() => call({ stop }), {
      instanceOf: TypeError,
      message: /stop must be an Int32Array over a SharedArrayBuffer; got/,
    })
  }
})
