import { createContext, runInContext } from 'node:vm'
import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'

const module = new WebAssembly.Module(
  wat(`(module
    (import "env" "f" (func $f (result i32)))
    (func $spin (export "spin") (param $rounds i64) (result i32)
      (loop $again
        (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))
        (br_if $again (i64.ne (local.get $rounds) (i64.const 0))))
      (i32.const 4711))
    (func $deepSpin (export "deepSpin") (param $depth i32) (param $rounds i64) (result i32)
      (if (result i32) (local.get $depth)
        (then
          (i32.add
            (i32.const 1)
            (call $deepSpin (i32.sub (local.get $depth) (i32.const 1)) (local.get $rounds))))
        (else (call $spin (local.get $rounds)))))
    (func (export "deepSpins") (param $depth i32) (param $rounds i64)
      (loop $again
        (drop (call $deepSpin (local.get $depth) (local.get $rounds)))
        (drop (call $spin (local.get $rounds)))
        (br $again)))
    (func $deepCall (export "deepCall") (param $depth i32) (result i32)
      (if (result i32) (local.get $depth)
        (then (i32.add (i32.const 1) (call $deepCall (i32.sub (local.get $depth) (i32.const 1)))))
        (else (call $f)))))`),
)

let calls = 0
const { exports } = new WebAssembly.Instance(module, {
  env: {
    f: () => {
      ++calls
      return 1
    },
  },
})

/** As many rounds of `spin` as take some 300 ms: long enough for the engine to ask whether Node goes on. */
const rounds = (() => {
  const sample = 50_000_000n
  exports.spin(1_000_000n)
  const started = performance.now()
  exports.spin(sample)
  return (sample * 300n) / BigInt(Math.max(1, Math.round(performance.now() - started)))
})()

// Was before: undefined, without an exception.
test.serial('a long call from the depths of JavaScript gives its result', (t) => {
  const results: unknown[] = []
  const descend = (): void => {
    try {
      descend()
    } catch {
      if (results.length < 3) {
        try {
          results.push(exports.spin(rounds))
        } catch (error) {
          // No room for the call.
          if (!(error instanceof RangeError)) throw error
        }
      }
    }
  }
  descend()
  t.true(results.length > 0)
  t.deepEqual(results, Array(results.length).fill(4711))
})

// Was before: "WebAssembly was interrupted", and the end of the process on Node 26.
test.serial('a long call in the depths of WebAssembly gives its result', (t) => {
  for (const depth of [10_000, 120_000, 200_000]) {
    t.is(exports.deepSpin(depth, rounds), 4711 + depth)
  }
})

// Was before: the end of the process on Node 26.
test.serial('an import that is called beyond the stack of Node is a RangeError', (t) => {
  for (let depth = 1000; depth <= 400_000; depth += 9500) {
    calls = 0
    let result: unknown
    try {
      result = exports.deepCall(depth)
    } catch (error) {
      t.true(error instanceof RangeError, String(error))
      t.is((error as Error).message, 'Maximum call stack size exceeded')
      t.is(calls, 0)
      continue
    }
    t.is(result, depth + 1)
    t.is(calls, 1)
  }
  t.throws(() => exports.deepCall(400_000), { instanceOf: RangeError })
  t.is(exports.deepCall(1000), 1001)
})

// Was before: the end of the process on Node 26.
test.serial('a timeout ends what is deep in WebAssembly when it comes up', (t) => {
  const scope = { ...exports, rounds, after: 0 }
  t.throws(
    () =>
      runInContext('try { deepSpins(200000, rounds) } finally { ++after }', createContext(scope), {
        timeout: 50,
      }),
    { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' },
  )
  t.is(scope.after, 0)
  t.is(exports.deepCall(1000), 1001)
})

// Was before: calls that were "interrupted", or out of memory; on Node 26 the end of the process.
test.serial('compiling for long where the stack ends disturbs nothing', async (t) => {
  const { exitCode, signal, stdout, stderr } = await runScript(
    new URL('./deep-compilation.ts', import.meta.url),
  )
  t.is(signal, null, stderr)
  t.is(exitCode, 0, stderr)
  t.regex(stdout, /^(?:(?:result|overflow)\n){6}42\n$/)
})
