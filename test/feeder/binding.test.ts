import test from 'ava'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { compile, stepper } from './programs.ts'

// biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
const standard = (globalThis as any).WebAssembly

function feederOver(byteLength: number, windowSize = byteLength): ChunkFeeder {
  const region = HostRegion.allocate(byteLength)
  region.view(Uint8Array).fill(7)
  return new ChunkFeeder(region, { windowSize })
}

const importing = (next: unknown) =>
  new WebAssembly.Instance(stepper(), { env: { next: next as WebAssembly.ImportValue } })

test('the first instance that imports next is bound, also asynchronously', async (t) => {
  using feeder = feederOver(100)
  const { instance } = await WebAssembly.instantiate(stepper(), {
    env: { next: feeder.next },
  }).then((instance) => ({ instance: instance as unknown as WebAssembly.Instance }))
  t.is(instance.exports.step(), 100)
  t.is(instance.exports.load(99), 7)
})

test('a second instance is refused before anything runs', (t) => {
  using feeder = feederOver(100)
  const first = importing(feeder.next)
  let started = 0
  const starting = compile(`(module
    (import "env" "next" (func (result i32)))
    (import "env" "started" (func $started))
    (start $started))`)
  for (let i = 0; i < 2; ++i) {
    t.throws(
      () =>
        new WebAssembly.Instance(starting, {
          env: { next: feeder.next, started: () => ++started },
        }),
      {
        instanceOf: TypeError,
        message:
          'WebAssembly.Instance(): Import "env" "next": the ChunkFeeder is bound to another instance; feeder.bind(null) takes it away from that one',
      },
    )
  }
  t.is(started, 0)
  t.is(first.exports.step(), 100)
})

test('bind(null) frees it for another instance, and restores the memory of the first', (t) => {
  using feeder = feederOver(100)
  const first = importing(feeder.next)
  t.is(first.exports.step(), 100)
  t.is(first.exports.load(0), 7)
  feeder.bind(null)
  t.throws(() => first.exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  feeder.rewind()
  const second = importing(feeder.next)
  t.is(second.exports.step(), 100)
  t.is(second.exports.load(0), 7)
})

test('bind moves it: the next window is seen by the other instance', (t) => {
  using feeder = feederOver(100, 50)
  const first = importing(feeder.next)
  const second = importing(() => 0)
  t.is(first.exports.step(), 50)
  feeder.bind(second)
  t.throws(() => first.exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  // It goes on where it was.
  t.is(first.exports.step(), 50)
  t.is(second.exports.load(49), 7)
  t.throws(() => first.exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  feeder.bind(second)
  t.is(second.exports.load(49), 7)
  feeder.bind(first)
  feeder.rewind()
  t.is(first.exports.step(), 50)
  t.is(first.exports.load(49), 7)
})

test('a start function comes too early, and is told so', (t) => {
  using feeder = feederOver(100)
  const starting = compile(`(module
    (import "env" "next" (func $next (result i32)))
    (memory 0)
    (func $start (drop (call $next)))
    (start $start))`)
  t.throws(() => new WebAssembly.Instance(starting, { env: { next: feeder.next } }), {
    instanceOf: Error,
    message:
      /^next: the ChunkFeeder is not bound to an instance\. .* a start function comes too early\./,
  })
  // It is as free as before.
  t.is(importing(feeder.next).exports.step(), 100)
})

test('an instance that fails leaves it free', (t) => {
  using feeder = feederOver(100)
  const trapping = compile(`(module
    (import "env" "next" (func (result i32)))
    (func $start unreachable)
    (start $start))`)
  t.throws(() => new WebAssembly.Instance(trapping, { env: { next: feeder.next } }), {
    instanceOf: WebAssembly.RuntimeError,
  })
  const linking = compile(`(module
    (import "env" "next" (func (result i32)))
    (import "env" "missing" (func)))`)
  t.throws(() => new WebAssembly.Instance(linking, { env: { next: feeder.next } }), {
    instanceOf: WebAssembly.LinkError,
  })
  t.is(importing(feeder.next).exports.step(), 100)
})

test('one that start code has bound elsewhere stays there', (t) => {
  using feeder = feederOver(100)
  const other = importing(() => 0)
  const starting = compile(`(module
    (import "env" "next" (func (result i32)))
    (import "env" "start" (func $start))
    (start $start))`)
  t.notThrows(
    () =>
      new WebAssembly.Instance(starting, {
        env: { next: feeder.next, start: () => feeder.bind(other) },
      }),
  )
  t.is(feeder.next(), 100)
  t.is(other.exports.load(5), 7)
})

test('next may be imported several times by one module', (t) => {
  using feeder = feederOver(100, 10)
  // The stepper imports it twice.
  const { exports } = importing(feeder.next)
  t.is(exports.step(), 10)
  t.is(exports.stepAfter(4), 10)
  t.is(feeder.position, 4)
})

test('next passes through modules as the function that it is', (t) => {
  using feeder = feederOver(100)
  const passing = compile(
    '(module (func (export "pass") (param externref) (result externref) local.get 0))',
  )
  const { pass } = new WebAssembly.Instance(passing).exports
  t.is(pass(feeder.next), feeder.next)
  t.is(importing(feeder.next).exports.step(), 100)
})

test('an instance exports what it imports', (t) => {
  using feeder = feederOver(100)
  const instance = new WebAssembly.Instance(
    compile(`(module
      (import "env" "next" (func $next (result i32)))
      (memory 0)
      (export "next" (func $next))
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`),
    { env: { next: feeder.next } },
  )
  t.is(instance.exports.next(), 100)
  t.is(instance.exports.load(99), 7)
})

test('without an instance next says what to do', (t) => {
  using feeder = feederOver(100)
  t.throws(() => feeder.next(), { message: /call feeder\.bind\(instance\)$/ })
  const { exports } = importing(() => feeder.next())
  t.throws(() => exports.step(), { message: /call feeder\.bind\(instance\)$/ })
  // Which Node's own WebAssembly gets to see, too.
  const theirs = new standard.Module(
    Buffer.from('AGFzbQEAAAABBQFgAAF/AgwBA2VudgRuZXh0AAAHCAEEbmV4dAAA', 'base64'),
  )
  const instance = new standard.Instance(theirs, { env: { next: feeder.next } })
  t.throws(() => (instance.exports.next as () => number)(), { message: /not bound/ })
})

test('bind takes instances of this package, and null', (t) => {
  using feeder = feederOver(100)
  const theirs = new standard.Instance(new standard.Module(Buffer.from('AGFzbQEAAAA=', 'base64')))
  for (const value of [undefined, {}, theirs, feeder, 5, stepper()]) {
    t.throws(() => feeder.bind(value as never), {
      instanceOf: TypeError,
      message: /^bind: instance must be an instance made by the WebAssembly of v8-rawmem, or null/,
    })
  }
  feeder.bind(null)
  t.is(importing(feeder.next).exports.step(), 100)
})

test('a closed feeder is refused everywhere, and close may be called twice', (t) => {
  const feeder = feederOver(100)
  const { exports } = importing(feeder.next)
  exports.step()
  feeder.close()
  feeder.close()
  t.throws(() => exports.load(0), { instanceOf: WebAssembly.RuntimeError })
  t.throws(() => exports.step(), {
    instanceOf: TypeError,
    message: 'next: the ChunkFeeder is closed',
  })
  t.throws(() => feeder.next(), { instanceOf: TypeError, message: /is closed/ })
  t.throws(() => feeder.rewind(), { instanceOf: TypeError, message: /is closed/ })
  t.throws(() => feeder.bind(importing(() => 0)), { instanceOf: TypeError, message: /is closed/ })
  t.throws(() => importing(feeder.next), {
    instanceOf: TypeError,
    message: 'WebAssembly.Instance(): Import "env" "next": the ChunkFeeder is closed',
  })
  t.is(feeder.windows, 1)
})
