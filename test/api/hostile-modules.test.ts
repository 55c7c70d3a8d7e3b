import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const real = wat(`(module
  (type $binary (func (param i32 i32) (result i32)))
  (import "env" "log" (func $log (param i32)))
  (import "env" "table" (table 4 funcref))
  (memory (export "memory") 1 4)
  (global $counter (mut i32) (i32.const 0))
  (tag $tag (param i32))
  (func $add (type $binary) local.get 0 local.get 1 i32.add)
  (func $loop (export "loop") (param i32) (result i32)
    (local $sum i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get 0)))
        (local.set $sum (call_indirect (type $binary) (local.get $sum) (local.get 0) (i32.const 1)))
        (i32.store offset=16 (i32.mul (local.get 0) (i32.const 4)) (local.get $sum))
        (local.set 0 (i32.sub (local.get 0) (i32.const 1)))
        (br $next)))
    (global.set $counter (local.get $sum))
    local.get $sum)
  (func (export "throw") (throw $tag (i32.const 1)))
  (func (export "many") (result i32 i64 f32 f64)
    i32.const 1 i64.const 2 f32.const 3 f64.const 4)
  (elem (i32.const 1) $add)
  (data (i32.const 8) "some data in the memory")
  (func (export "bulk") (memory.fill (i32.const 0) (i32.const 1) (i32.const 100)))
  (func (export "log") (call $log (i32.const 1))))`)

/** Everything that can be done with bytes. Only errors of WebAssembly may come out of it. */
function exercise(bytes: Uint8Array): 'invalid' | 'unlinkable' | 'trapped' | 'ran' {
  const valid = WebAssembly.validate(bytes)
  let module: WebAssembly.Module
  try {
    module = new WebAssembly.Module(bytes)
  } catch (error) {
    if (!(error instanceof WebAssembly.CompileError) || valid) throw error
    return 'invalid'
  }
  if (!valid) throw new Error('validate() refused what Module() took')
  let instance: WebAssembly.Instance
  try {
    instance = new WebAssembly.Instance(module, {
      env: {
        log: () => 0,
        table: new WebAssembly.Table({ element: 'anyfunc', initial: 4 }),
      },
    })
  } catch (error) {
    if (
      error instanceof WebAssembly.LinkError ||
      error instanceof WebAssembly.RuntimeError ||
      error instanceof TypeError ||
      error instanceof RangeError
    ) {
      return 'unlinkable'
    }
    throw error
  }
  return instance === undefined ? 'trapped' : 'ran'
}

/** A small generator of numbers that are the same in every run (mulberry32). */
function* numbers(seed: number): Generator<number> {
  let state = seed
  for (;;) {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    yield (mixed ^ (mixed >>> 14)) >>> 0
  }
}

test('the module itself runs', (t) => {
  t.is(exercise(real), 'ran')
})

test('a module cut off anywhere is a CompileError, but for the few places between sections', (t) => {
  const valid = []
  for (let length = 0; length < real.length; ++length) {
    if (exercise(real.subarray(0, length)) !== 'invalid') valid.push(length)
  }
  t.is(valid[0], 8)
  // Without the section of function types, there is no code to miss.
  t.true(valid.length <= 4, valid.join(' '))
})

test('flipped bytes never do more than fail', (t) => {
  const outcomes: Record<string, number> = {}
  const random = numbers(20200117)
  for (let i = 0; i < 600; ++i) {
    const bytes = real.slice()
    const flips = 1 + ((random.next().value as number) % 3)
    for (let flip = 0; flip < flips; ++flip) {
      const position = 8 + ((random.next().value as number) % (bytes.length - 8))
      bytes[position] = (random.next().value as number) & 0xff
    }
    const outcome = exercise(bytes)
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  }
  t.true((outcomes.invalid ?? 0) > 100)
  t.true((outcomes.ran ?? 0) > 10)
})

test('random bytes are no module', (t) => {
  const random = numbers(7)
  for (let i = 0; i < 200; ++i) {
    const bytes = Uint8Array.from({ length: 200 }, () => random.next().value as number)
    bytes.set([0, 97, 115, 109, 1, 0, 0, 0])
    t.is(exercise(bytes), 'invalid')
  }
})

test('lengths and counts that lie are a CompileError', (t) => {
  const header = [0, 97, 115, 109, 1, 0, 0, 0]
  const huge = [0xff, 0xff, 0xff, 0xff, 0x0f]
  for (const section of [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]) {
    t.is(exercise(Uint8Array.from([...header, section, ...huge])), 'invalid')
    t.is(exercise(Uint8Array.from([...header, section, 5, ...huge])), 'invalid')
  }
})

test('the same happens on the threads of the engine', async (t) => {
  const random = numbers(1)
  const settled = await Promise.allSettled(
    Array.from({ length: 200 }, (_, i) => {
      const bytes =
        i % 2 === 0 ? real.slice(0, (random.next().value as number) % real.length) : real.slice()
      if (i % 2 === 1) bytes[8 + ((random.next().value as number) % (bytes.length - 8))] = i
      return WebAssembly.compile(bytes)
    }),
  )
  for (const result of settled) {
    if (result.status === 'rejected') t.true(result.reason instanceof WebAssembly.CompileError)
  }
  t.true(settled.some(({ status }) => status === 'rejected'))
})
