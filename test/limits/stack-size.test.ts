import test from 'ava'
import { runWithLimits, type WebAssembly } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { instantiate } from './programs.ts'

const overflow = { instanceOf: RangeError, message: 'Maximum call stack size exceeded' }
const KiB = 1024

function depthWithin(exports: WebAssembly.Exports, stackSize?: number): number {
  exports.depth.value = 0
  try {
    if (stackSize === undefined) exports.deep(0)
    else runWithLimits({ stackSize }, exports.deep, 0)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  return exports.depth.value
}

for (const tiering of ['optimize', 'baseline'] as const) {
  test.serial(`endless recursion ends where the stack is limited (${tiering})`, (t) => {
    const exports = instantiate(undefined, tiering)
    // Compiles.
    const all = depthWithin(exports)
    t.throws(() => runWithLimits({ stackSize: 64 * KiB }, exports.endless, 0), overflow)
    const small = depthWithin(exports, 64 * KiB)
    const large = depthWithin(exports, 128 * KiB)
    t.log(`64 KiB: ${small} calls, 128 KiB: ${large}, without a limit: ${all}`)
    t.true(small > 100)
    // Some of it is the caller's.
    const frame = Math.round((64 * KiB) / (large - small))
    t.true(frame >= 8 && frame <= 256, `${frame} bytes a call`)
    t.true(all > 4 * large)
    // It is over.
    t.true(Math.abs(depthWithin(exports) - all) < all / 100)
    t.is(exports.answer(), 42)
  })
}

test.serial('inner calls have no more stack than outer ones', (t) => {
  const exports = instantiate()
  depthWithin(exports)
  const small = depthWithin(exports, 64 * KiB)
  const nested = runWithLimits({ stackSize: 64 * KiB }, () => depthWithin(exports, 1024 * KiB))
  t.true(nested <= small)
  t.true(nested > small / 2)
})

test.serial('recursion through imports counts', (t) => {
  let calls = 0
  const exports = instantiate(() => {
    ++calls
    return exports.call()
  })
  t.throws(() => runWithLimits({ stackSize: 100 * KiB }, exports.call), overflow)
  const limited = calls
  calls = 0
  t.throws(() => exports.call(), overflow)
  t.true(limited > 0 && limited < calls / 2, `${limited} of ${calls}`)
})

test.serial('any size ends in a result or an error', (t) => {
  const exports = instantiate()
  for (let stackSize = 1; stackSize < 20 * KiB; stackSize += 97) {
    try {
      t.is(runWithLimits({ stackSize }, exports.call), 42)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
    }
  }
  t.is(runWithLimits({ stackSize: Number.MAX_SAFE_INTEGER }, exports.call), 42)
})

test.serial('the first call of a program with little stack does not end the process', async (t) => {
  const { exitCode, signal, stdout, stderr } = await runScript(
    new URL('./little-stack.ts', import.meta.url),
  )
  t.is(signal, null, stderr)
  t.is(exitCode, 0, stderr)
  t.is(stdout, '42\n')
})

test('sizes that are none are refused', (t) => {
  for (const stackSize of [0, -1, 1.5, Number.NaN]) {
    t.throws(() => runWithLimits({ stackSize }, () => 1), {
      instanceOf: RangeError,
      message: /stackSize must be an integer from 1 to/,
    })
  }
})
