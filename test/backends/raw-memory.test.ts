import { setTimeout } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import test from 'ava'
import { type WebAssembly as api, HostRegion, openBackend } from 'v8-rawmem'
import { moduleLayout } from '../../bindings/backends/module-layout.ts'
import { hostMemories } from '../../bindings/backends/node/hosted-memories.ts'
import type { WebAssemblyNamespace } from '../../types/web-assembly.d.ts'
import { collectGarbage, collectUntil } from '../support/collect-garbage.ts'
import { wat } from '../support/wat.ts'

// What is peculiar to node-raw; what all backends have in common is in features/.

const { ChunkFeeder, WebAssembly, setWasmInstanceRawMemory } = openBackend('node-raw')
const native = (globalThis as unknown as { WebAssembly: WebAssemblyNamespace }).WebAssembly

const pageSize = 65536
const outOfBounds = { instanceOf: native.RuntimeError, message: 'memory access out of bounds' }

const text = `(module
  (memory (export "memory") 0 3)
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "size") (result i32) memory.size)
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`

const instantiate = (source = text, imports?: api.Imports) =>
  new WebAssembly.Instance(new WebAssembly.Module(wat(source)), imports)

function filled(byteLength: number, value: number): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(byteLength)
  region.view(Uint8Array).fill(value)
  return region
}

test('the memory of a module grows as it declares, and no further', (t) => {
  const { exports } = instantiate()
  t.is(exports.grow(2), 0)
  t.is(exports.memory.grow(1), 2)
  t.is(exports.grow(1), -1)
  t.throws(() => exports.memory.grow(1), { instanceOf: RangeError })
  t.is(exports.size(), 3)
  const fixed = instantiate(text.replace('0 3', '1 1')).exports
  t.is(fixed.grow(1), -1)
  t.is(fixed.size(), 1)
})

test('attached, a memory does not grow; whoever asks', (t) => {
  const instance = instantiate()
  const { memory, grow, size, load } = instance.exports
  setWasmInstanceRawMemory(instance, filled(10, 1))
  t.is(grow(1), -1)
  t.throws(() => native.Memory.prototype.grow.call(memory, 1 as never), { instanceOf: RangeError })
  t.is(load(9), 1)
  t.throws(() => load(10), outOfBounds)
  setWasmInstanceRawMemory(instance, filled(20, 2))
  t.is(grow(1), -1)
  setWasmInstanceRawMemory(instance, null)
  t.is(grow(1), 0)
  t.is(size(), 1)
})

test('Memory.grow() grows the memory, and the instance sees that when it is back', (t) => {
  const instance = instantiate()
  const { memory, grow, size, load, store } = instance.exports
  const region = filled(10, 1)
  setWasmInstanceRawMemory(instance, region)
  t.is(memory.grow(1), 0)
  t.is(memory.buffer.byteLength, pageSize)
  new Uint8Array(memory.buffer)[5] = 55
  t.is(load(5), 1)
  t.throws(() => load(10), outOfBounds)
  t.is(grow(1), -1)
  t.throws(() => memory.grow(3), { instanceOf: RangeError })
  t.is(load(5), 1)
  setWasmInstanceRawMemory(instance, null)
  t.is(load(5), 55)
  t.is(size(), 1)
  store(6, 66)
  t.is(new Uint8Array(memory.buffer)[6], 66)
  t.is(grow(2), 1)
  t.is(grow(1), -1)
})

test('two instances at one memory: each has its window, and it grows when none has', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 })
  const shared = text.replace('(memory (export "memory") 0 3)', '(import "env" "m" (memory 0 4))')
  const [first, second] = [
    instantiate(shared, { env: { m: memory } }),
    instantiate(shared, { env: { m: memory } }),
  ]
  setWasmInstanceRawMemory(first, filled(10, 1))
  t.is(second.exports.grow(1), -1)
  setWasmInstanceRawMemory(second, filled(20, 2))
  setWasmInstanceRawMemory(first, null)
  t.is(first.exports.grow(1), -1)
  t.is(memory.grow(1), 1)
  t.is(first.exports.size(), 2)
  t.is(second.exports.load(19), 2)
  setWasmInstanceRawMemory(second, null)
  t.is(second.exports.size(), 2)
  t.is(second.exports.grow(2), 2)
  t.is(first.exports.grow(1), -1)
})

test('memory.grow by 0 pages ends an attachment, which is an error at the next turn', (t) => {
  const instance = instantiate()
  const { grow, load } = instance.exports
  const region = filled(10, 1)
  for (const next of [region, null]) {
    setWasmInstanceRawMemory(instance, region)
    t.is(grow(0), 0)
    // Its own memory, which has no bytes.
    t.throws(() => load(0), outOfBounds)
    t.throws(() => setWasmInstanceRawMemory(instance, next), {
      message: /^memory 0 grew while a region was attached to it/,
    })
    setWasmInstanceRawMemory(instance, region)
    t.is(load(0), 1)
    setWasmInstanceRawMemory(instance, null)
  }
  t.notThrows(() => region.close())
})

test('a feeder notices at the latest at the end that its memory grew by 0 pages', (t) => {
  using feeder = new ChunkFeeder(filled(10, 1))
  const { run } = instantiate(
    `(module
      (import "env" "next" (func $next (result i32)))
      (memory 0)
      (func (export "run") (result i32)
        (drop (call $next))
        (drop (memory.grow (i32.const 0)))
        (call $next)))`,
    { env: { next: feeder.next } },
  ).exports
  t.throws(run, { message: /^memory 0 grew while a region was attached to it/ })
})

test('a memory that outlives an attached instance can grow', async (t) => {
  const memory = new WebAssembly.Memory({ initial: 0, maximum: 2 })
  const source = '(module (import "env" "m" (memory 0)))'
  const region = filled(10, 1)
  let gone = 0
  const registry = new FinalizationRegistry(() => gone++)
  ;(() => {
    const instance = instantiate(source, { env: { m: memory } })
    registry.register(instance, 0)
    setWasmInstanceRawMemory(instance, region)
  })()
  t.true(await collectUntil(() => gone > 0))
  // No further collection, but some time.
  await setTimeout(100)
  t.is(native.Memory.prototype.grow.call(memory, 1 as never) as unknown, 0)
  t.notThrows(() => region.close())
})

test('windows stay where they are while garbage collection moves instances', async (t) => {
  const attached = Array.from({ length: 60 }, (_, n) => {
    const instance = instantiate()
    setWasmInstanceRawMemory(instance, filled(100 + n, n))
    // Garbage in between, so that there is something to close up.
    instantiate()
    return instance
  })
  for (let round = 0; round < 3; ++round) {
    await collectGarbage()
    for (const [n, instance] of attached.entries()) {
      const { load } = instance.exports
      t.is(load(99 + n), n + round)
      t.throws(() => load(100 + n), outOfBounds)
      setWasmInstanceRawMemory(instance, filled(100 + n, n + round + 1))
    }
  }
  for (const instance of attached) {
    setWasmInstanceRawMemory(instance, null)
    t.is(instance.exports.grow(1), 0)
    t.is(instance.exports.load(0), 0)
  }
})

test('code that somebody else had compiled from the same bytes is not taken', (t) => {
  // Nothing in it has to be rewritten.
  const bytes = wat(`(module
    (import "env" "m" (memory 0))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`)
  const imports = { env: { m: new WebAssembly.Memory({ initial: 0 }) } }
  setFlagsFromString('--no-wasm-enforce-bounds-checks')
  const theirs = new native.Instance(new native.Module(bytes), imports)
  t.throws(() => theirs.exports.load(0), outOfBounds)
  const instance = new WebAssembly.Instance(new WebAssembly.Module(bytes), imports)
  setWasmInstanceRawMemory(instance, filled(20, 1).subarray(0, 10))
  t.is(instance.exports.load(9), 1)
  t.throws(() => instance.exports.load(10), outOfBounds)
})

test('who switches bounds checks off changes nothing for what was compiled here', (t) => {
  const region = filled(20, 1).subarray(0, 10)
  const module = new WebAssembly.Module(wat(text.replace('"load"', '"lazy"')))
  setFlagsFromString('--no-wasm-enforce-bounds-checks')
  // The functions are compiled when they are called first.
  const instance = new WebAssembly.Instance(module)
  setWasmInstanceRawMemory(instance, region)
  t.is(instance.exports.lazy(9), 1)
  t.throws(() => instance.exports.lazy(10), outOfBounds)
})

test('a memory that is as large as memories get is refused', (t) => {
  const source = '(module (import "env" "m" (memory 65536)))'
  let memory: api.Memory
  try {
    memory = new WebAssembly.Memory({ initial: 65536 })
  } catch {
    // No room for so many addresses.
    return t.pass()
  }
  const instance = instantiate(source, { env: { m: memory } })
  t.throws(() => setWasmInstanceRawMemory(instance, HostRegion.allocate(2 ** 32)), {
    instanceOf: TypeError,
    message: /memory 0 is declared with a minimum of 65536 pages/,
  })
})

test('host memory cannot be a WebAssembly.Memory', (t) => {
  const expected = {
    instanceOf: TypeError,
    message: /the backend 'node-raw' cannot make host memory/,
  }
  t.throws(() => new WebAssembly.Memory({ host: filled(1, 1) }), expected)
  t.throws(() => new WebAssembly.Memory({ initial: 1 }).attach(filled(1, 1)), expected)
})

test('a buffer that JavaScript takes away keeps its bytes for the instance, until the next switch', async (t) => {
  const instance = instantiate()
  const { load } = instance.exports
  let buffer: (ArrayBuffer & { transfer?(): ArrayBuffer }) | undefined = new ArrayBuffer(100_000)
  new Uint8Array(buffer).fill(9)
  const region = HostRegion.from(buffer)
  setWasmInstanceRawMemory(instance, region)
  try {
    buffer.transfer?.()
  } catch {
    // Newer releases forbid it.
  }
  const isGone = region.byteLength === 0
  buffer = undefined
  for (let round = 0; round < 3; ++round) {
    await collectGarbage()
    // What could have taken the place.
    Array.from({ length: 50 }, () => new ArrayBuffer(100_000))
    t.is(load(99_999), 9)
  }
  if (isGone) {
    t.throws(() => setWasmInstanceRawMemory(instance, region), { instanceOf: TypeError })
  }
  setWasmInstanceRawMemory(instance, null)
  t.throws(() => load(0), outOfBounds)
})

test('a rewritten module is one without definitions of memories and without maxima', (t) => {
  const source = `(module
    (@custom "first" "abc")
    (import "a" "f" (func $f (param i32) (result i32)))
    (import "a" "t" (table 1 10 funcref))
    (import "a" "g" (global i64))
    (memory $m 1 1) (export "m" (memory $m))
    (global (export "g2") i32 (i32.const 5))
    (func (export "run") (result i32) (call $f (i32.load8_u (i32.const 2))))
    (data (i32.const 1) "xyz"))`.replace('(@custom "first" "abc")', '')
  const bytes = wat(source)
  const hosted = hostMemories(bytes, moduleLayout(bytes), 'seal')
  const { memories } = moduleLayout(hosted?.bytes as Uint8Array)
  t.deepEqual(
    memories.map(({ imported, initial, maximum }) => ({ imported, initial, maximum })),
    [{ imported: ['seal', '0'], initial: 1n, maximum: undefined }],
  )
  const module = new WebAssembly.Module(bytes)
  t.deepEqual(
    WebAssembly.Module.imports(module).map(({ module, name, kind }) => [module, name, kind]),
    [
      ['a', 'f', 'function'],
      ['a', 't', 'table'],
      ['a', 'g', 'global'],
    ],
  )
  const { exports } = new WebAssembly.Instance(module, {
    a: {
      f: (byte: number) => byte + 1,
      t: new WebAssembly.Table({ initial: 1, maximum: 10, element: 'anyfunc' }),
      g: new WebAssembly.Global({ value: 'i64' }, 3n),
    },
  })
  t.is(exports.run(), 'y'.charCodeAt(0) + 1)
  t.is(exports.g2.value, 5)
  t.is(exports.m.buffer.byteLength, pageSize)
})

test('no damage to a module gets through the rewriting', (t) => {
  const bytes = wat(`(module
    (import "a" "m" (memory 1 2))
    (func (export "run") (result i32) (i32.load (i32.const 0)))
    (data (i32.const 1) "xyz"))`)
  const define = wat(text)
  const check = (damaged: Uint8Array<ArrayBuffer>, what: string) => {
    let accepted = true
    try {
      new WebAssembly.Module(damaged)
    } catch (error) {
      accepted = false
      t.true(error instanceof native.CompileError, String(error))
    }
    if (accepted !== native.validate(damaged)) {
      t.fail(`${what}: ${accepted ? 'accepted' : 'refused'}, unlike by Node`)
    }
  }
  for (const original of [bytes, define]) {
    for (let length = 0; length < original.length; ++length) {
      check(original.slice(0, length), `${length} bytes`)
    }
    for (let at = 0; at < original.length; ++at) {
      for (const value of [0x00, 0x01, 0x7f, 0x80, 0xff, (original[at] as number) + 1]) {
        const damaged = original.slice()
        damaged[at] = value
        check(damaged, `byte ${at} = ${value}`)
      }
    }
  }
  t.throws(() => new WebAssembly.Module(new Uint8Array()), {
    instanceOf: native.CompileError,
    message: /BufferSource argument is empty/,
  })
  t.throws(() => new WebAssembly.Module(new Uint8Array(8)), {
    instanceOf: native.CompileError,
    message: /expected magic word/,
  })
})
