import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'

const overflow = { instanceOf: RangeError, message: /Maximum call stack size exceeded/ }

function instantiate(text: string, imports?: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports).exports
}

const endless = `(module
  (func $f (export "f") (param i32) (result i32)
    (i32.add (call $f (i32.add (local.get 0) (i32.const 1))) (i32.const 1)))
  (func (export "alive") (result i32) (i32.const 42)))`

for (const tiering of ['optimize', 'baseline'] as const) {
  test(`endless recursion of WebAssembly code is a RangeError (${tiering})`, (t) => {
    const { f, alive } = new WebAssembly.Instance(new WebAssembly.Module(wat(endless), { tiering }))
      .exports
    for (let i = 0; i < 3; ++i) t.throws(() => f(0), overflow)
    t.is(alive(), 42)
  })
}

test('endless recursion back and forth is a RangeError', (t) => {
  const exports: WebAssembly.Exports = instantiate(
    `(module
      (import "env" "again" (func $again))
      (func (export "f") (call $again))
      (func (export "alive") (result i32) (i32.const 42)))`,
    { env: { again: () => exports.f() } },
  )
  for (let i = 0; i < 3; ++i) t.throws(() => exports.f(), overflow)
  t.is(exports.alive(), 42)
})

test('endless recursion back and forth, with everything caught on the way, ends', (t) => {
  let caught = 0
  const exports: WebAssembly.Exports = instantiate(
    `(module
      (import "env" "again" (func $again))
      (func (export "f") (try (do (call $again)) (catch_all))))`,
    {
      env: {
        again: () => {
          try {
            exports.f()
          } catch {
            ++caught
          }
        },
      },
    },
  )
  t.notThrows(() => exports.f())
  t.true(caught >= 0)
})

test('deep recursion of JavaScript leaves a RangeError for the call that has no room', (t) => {
  const { f } = instantiate('(module (func (export "f") (param i32) (result i32) local.get 0))')
  let calls = 0
  const descend = (): number => {
    calls += f(1)
    return descend() + 1
  }
  t.throws(descend, overflow)
  t.true(calls > 100)
})

test('endless recursion is a RangeError with a large stack, and with a small one', async (t) => {
  for (const stackSizeMb of [1, 4, 64]) {
    const { exitCode, signal, stdout, stderr } = await runScript(
      new URL('./recursion.ts', import.meta.url),
      { args: [String(stackSizeMb)] },
    )
    t.is(signal, null)
    t.is(exitCode, 0, stderr)
    t.is(stdout, 'RangeError: Maximum call stack size exceeded\n'.repeat(2))
  }
})
