import { once } from 'node:events'
import { createContext, runInContext } from 'node:vm'
import { Worker } from 'node:worker_threads'
import test, { type ExecutionContext } from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'
import type { Counts, Task } from './termination-worker.ts'

const module = new WebAssembly.Module(
  wat(`(module
    (import "env" "f" (func $f (result i32)))
    (memory (export "memory") 1)
    (tag $tag)
    (func (export "call") (result i32) (i32.add (i32.const 41) (call $f)))
    (func (export "caught") (result i32)
      (try (result i32)
        (do (call $f))
        (catch_all (i32.store (i32.const 0) (i32.const 1)) (i32.const 0))))
    (func (export "imports") (loop $again (drop (call $f)) (br $again)))
    (func (export "loop") (loop $again (br $again)))
    (func (export "grow") (result i32)
      (drop (memory.grow (i32.const 1)))
      (call $f)))`),
)

/** What scripts of node:vm see. */
interface Scope {
  /** Reached what must not be reached. */
  after: number
  wrong: number
  calls: number
  // biome-ignore lint/suspicious/noExplicitAny: exports of all sorts
  [name: string]: any
}

/** Takes long enough for a timeout to fall into it. */
function busy(): number {
  for (let i = 0; i < 100_000; ++i);
  return 1
}

function newScope(f: (scope: Scope) => unknown = busy): Scope {
  const scope: Scope = { after: 0, wrong: 0, calls: 0 }
  scope.x = new WebAssembly.Instance(module, { env: { f: () => f(scope) } }).exports
  return scope
}

function run(code: string, scope: Scope, timeout = 100): unknown {
  return runInContext(code, createContext(scope), { timeout })
}

const timedOut = { code: 'ERR_SCRIPT_EXECUTION_TIMEOUT' }

function checkEnded(t: ExecutionContext, scope: Scope): void {
  t.is(scope.after, 0)
  t.is(scope.wrong, 0)
  // Nothing is left over for what comes later.
  const later = newScope()
  t.is(run('let s = 0; for (let i = 0; i < 1000; ++i) s += x.call(); s', later, 60_000), 42_000)
}

// Was before: on Node 22 and later, no end where something catches, and null for an exception in most other cases; on
// Node 20, a later script that failed.
const scripts: Record<string, string> = {
  'calls in a loop': 'for (;;) { if (x.call() !== 42) ++wrong; ++calls } ++after',
  'calls in a loop that catches everything':
    'for (;;) { try { if (x.call() !== 42) ++wrong; ++calls } catch { ++after } }',
  'calls in a loop with finally':
    'for (;;) { let done = false; try { x.call(); done = true } finally { if (!done) ++after } }',
  'one call, and code behind it': 'x.imports(); ++after',
  'one call with catch and finally':
    'try { x.imports(); ++after } catch { ++after } finally { ++after }',
  'a loop in WebAssembly': 'try { x.loop(); ++after } finally { ++after }',
  'a generator':
    'function* g() { try { for (;;) yield x.call() } finally { ++after } } for (const r of g()) if (r !== 42) ++wrong',
  'an async function':
    '(async () => { try { for (;;) { if (x.call() !== 42) ++wrong } } catch { ++after } finally { ++after } })()',
  'a call by a native function': '[1].map(() => x.imports()); ++after',
  'code of WebAssembly that catches everything':
    'for (;;) { x.caught(); if (new Int32Array(x.memory.buffer)[0] !== 0) ++wrong }',
}

for (const [name, code] of Object.entries(scripts)) {
  test.serial(`the timeout of node:vm ends ${name}`, (t) => {
    const scope = newScope()
    t.throws(() => run(code, scope), timedOut)
    checkEnded(t, scope)
  })
}

// Was before: no end on Node 22 and later; on Node 20, a later script that failed.
const imports: Record<string, (scope: Scope) => unknown> = {
  'an import that never returns': () => {
    for (;;);
  },
  'an import that calls back': (scope) => {
    for (;;) {
      try {
        scope.x.loop()
        ++scope.after
      } catch {
        ++scope.after
      } finally {
        ++scope.after
      }
    }
  },
  'a conversion that never returns': () => ({
    valueOf: () => {
      for (;;);
    },
  }),
}

for (const [name, f] of Object.entries(imports)) {
  for (const call of ['call', 'caught', 'grow']) {
    test.serial(`the timeout of node:vm ends ${name}, called by ${call}`, (t) => {
      const scope = newScope(f)
      const code = `memory = x.memory.buffer; for (;;) { try { x.${call}(); ++after } catch { ++after } }`
      scope.memory = undefined
      t.throws(() => run(code, scope), timedOut)
      t.is(new Int32Array(scope.x.memory.buffer)[0], 0)
      if (call === 'grow') t.is(scope.memory.byteLength, 0)
      checkEnded(t, scope)
    })
  }
}

// Was before: null was caught on Node 22 and later; on Node 20, a later script failed.
test.serial('the timeout of node:vm ends what takes the value of a global', (t) => {
  const scope = newScope()
  scope.global = new WebAssembly.Global({ value: 'i32', mutable: true }, 1)
  t.throws(
    () =>
      run('try { global.value = { valueOf() { for (;;); } } } catch { ++after } ++after', scope),
    timedOut,
  )
  t.is(scope.global.value, 1)
  checkEnded(t, scope)
})

for (const code of ['feeder.next()', 'go()']) {
  // Was before: no end on Node 22 and later for go().
  test.serial(`the timeout of node:vm ends what a feeder reports to, called by ${code}`, (t) => {
    const scope = newScope()
    scope.feeder = new ChunkFeeder(HostRegion.allocate(1000), {
      windowSize: 100,
      onProgress: () => {
        for (;;);
      },
    })
    const { exports } = new WebAssembly.Instance(
      new WebAssembly.Module(
        wat(`(module
          (import "env" "next" (func $next (result i32)))
          (memory 0)
          (func (export "go") (loop $again (br_if $again (call $next)))))`),
      ),
      { env: { next: scope.feeder.next } },
    )
    scope.go = exports.go
    t.throws(
      () => run(`try { for (;;) ${code} } catch { ++after } finally { ++after }`, scope),
      timedOut,
    )
    checkEnded(t, scope)
  })
}

const nested = (code: string, timeout: number) => `script(${JSON.stringify(code)}, ${timeout})`

function nestedScope(f?: (scope: Scope) => unknown): Scope {
  const scope = newScope(f)
  scope.script = (code: string, timeout: number) => run(code, scope, timeout)
  return scope
}

// Was before: no end on Node 22 and later; on Node 20, a later script that failed.
test.serial('the timeout of an outer script ends the inner ones', (t) => {
  const scope = nestedScope()
  const inner = nested('for (;;) { try { x.call() } catch { ++after } }', 60_000)
  t.throws(() => run(`try { ${inner}; ++after } catch { ++after } ++after`, scope), timedOut)
  checkEnded(t, scope)
})

// Was before: null for an error on Node 22 and later.
test.serial('the timeout of an inner script is an error for the outer one', (t) => {
  const scope = nestedScope()
  const inner = nested('try { x.loop(); ++after } finally { ++after }', 100)
  const code = `let code; try { ${inner} } catch (e) { code = e.code } [code, x.call()].join()`
  t.is(run(code, scope, 60_000), `${timedOut.code},42`)
  checkEnded(t, scope)
})

// Was before: no end on Node 22 and later; on Node 20, the outer script failed as well.
test.serial('a timeout within an import ends no more than was asked for', (t) => {
  let depth = 0
  const scope = nestedScope((self) => {
    if (depth > 0) for (;;);
    ++depth
    try {
      run(nested('for (;;) { try { x.call() } catch { ++after } }', 100), self, 60_000)
      ++self.after
    } catch (error) {
      self.code = (error as { code: string }).code
    }
    depth = 0
    return 1
  })
  t.is(run('x.call()', scope, 60_000), 42)
  t.is(scope.code, timedOut.code)
  checkEnded(t, scope)
})

// Was before: no end on Node 22 and later.
test.serial('a timeout ends scripts and WebAssembly through several imports', (t) => {
  const scope = nestedScope((self) => {
    if (++self.calls > 3) self.x.loop()
    try {
      return run('try { x.call() } catch { ++after } finally { ++after }', self, 60_000)
    } finally {
      ++self.after
    }
  })
  t.throws(() => run('x.call()', scope), timedOut)
  checkEnded(t, scope)
})

// Was before: no end on Node 22 and later.
test.serial('Ctrl+C ends calls in a loop', async (t) => {
  const scope = newScope()
  const killer = new Worker(`setTimeout(() => process.kill(process.pid, 'SIGINT'), 200)`, {
    eval: true,
  })
  await once(killer, 'online')
  t.throws(
    () =>
      runInContext(
        scripts['calls in a loop that catches everything'] as string,
        createContext(scope),
        {
          breakOnSigint: true,
        },
      ),
    { code: 'ERR_SCRIPT_EXECUTION_INTERRUPTED' },
  )
  t.true(scope.calls > 0)
  checkEnded(t, scope)
  await killer.terminate()
})

test('an import may throw null and undefined', (t) => {
  for (const thrown of [null, undefined]) {
    const scope = newScope(() => {
      throw thrown
    })
    t.is(run('let r = 0; try { x.call() } catch (e) { r = [e] } r[0]', scope, 60_000), thrown)
    t.is(scope.x.caught(), 0)
    t.is(new Int32Array(scope.x.memory.buffer)[0], 1)
  }
})

async function terminate(t: ExecutionContext, task: Task): Promise<Counts> {
  const shared = new SharedArrayBuffer(16)
  const worker = startWorker(new URL('./termination-worker.ts', import.meta.url), { task, shared })
  worker.on('error', (error) => t.fail(String(error)))
  await once(worker, 'message')
  await new Promise((resolve) => setTimeout(resolve, 200))
  await worker.terminate()
  const [calls, wrong, after] = new Int32Array(shared) as unknown as [number, number, number]
  return { calls, wrong, after }
}

// Was before, on Node 20 and now and then: some hundred calls more, with results that no code had computed.
for (const task of ['calls', 'callbacks', 'loop', 'feeder'] as const) {
  test(`worker.terminate() ends ${task} without running anything more`, async (t) => {
    const { calls, wrong, after } = await terminate(t, task)
    t.true(calls > 0)
    t.is(wrong, 0)
    t.is(after, 0)
  })
}

test('worker.terminate() ends a loop that is deeper than the stack of Node', async (t) => {
  const { after } = await terminate(t, 'deep loop')
  t.is(after, 0)
})
