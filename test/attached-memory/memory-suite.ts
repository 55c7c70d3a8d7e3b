import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { compile, instantiate, outOfBounds, pageSize, type Tier } from './tier.ts'

const accessor = `(module
  (import "env" "memory" (memory 0))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "size") (result i32) memory.size))`

function filled(byteLength: number, byte: number): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(byteLength)
  region.view(Uint8Array).fill(byte)
  return region
}

/** Memories that are attached, as all their instances and JavaScript see them. */
export function memorySuite(tier: Tier): void {
  // The case that this package was made for: the host replaces the bytes behind a memory, chunk
  // after chunk, while the program runs.
  test('a program reads a table chunk by chunk through a memory whose buffer is replaced', (t) => {
    const table = HostRegion.allocate(1_000_003)
    const bytes = table.view(Uint8Array)
    for (let i = 0; i < bytes.length; ++i) bytes[i] = i * 7
    let position = 0
    const memory = new WebAssembly.Memory({ initial: 1 })
    const { run } = instantiate(
      tier,
      `(module
        (import "env" "memory" (memory 0))
        (import "env" "nextChunk" (func $next (result i32)))
        (func (export "run") (result i64) (local $sum i64) (local $at i32) (local $length i32)
          (block $end
            (loop $chunks
              (br_if $end (i32.eqz (local.tee $length (call $next))))
              (local.set $at (i32.const 0))
              (loop $bytes
                (local.set $sum (i64.add (local.get $sum) (i64.load8_u (local.get $at))))
                (br_if $bytes
                  (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
              (br $chunks)))
          (local.get $sum)))`,
      {
        memory,
        nextChunk: () => {
          const chunk = table.subarray(position, position + 64_001)
          position += chunk.byteLength
          if (chunk.byteLength > 0) {
            const { buffer } = memory
            memory.attach(chunk)
            t.is(buffer.byteLength, 0)
            t.is(memory.buffer.byteLength, chunk.byteLength)
          }
          return chunk.byteLength
        },
      },
    ).exports
    const expected = BigInt(bytes.reduce((sum, byte) => sum + byte, 0))
    for (let round = 0; round < Math.min(tier.rounds, 3); ++round) {
      position = 0
      t.is(run(), expected)
    }
  })

  test('every instance sees an attached region at once, also one that is made later', (t) => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const module = compile(tier, accessor)
    const make = () => new WebAssembly.Instance(module, { env: { memory } }).exports
    const first = make()
    const second = make()
    first.store(5, 50)
    const region = filled(3 * pageSize + 7, 9)
    memory.attach(region)
    const third = make()
    for (const { load, size, store } of [first, second, third]) {
      t.is(load(5), 9)
      t.is(load(3 * pageSize + 6), 9)
      t.throws(() => load(3 * pageSize + 7), outOfBounds)
      t.is(size(), 3)
      store(1, 77)
    }
    region.view(Uint8Array)[2] = 78
    t.deepEqual([first.load(2), second.load(1), third.load(2)], [78, 77, 78])
    const next = filled(pageSize, 4)
    memory.attach(next)
    t.deepEqual([first.load(5), second.load(5), third.load(5)], [4, 4, 4])
    t.is(region.view(Uint8Array)[5], 9)
    memory.attach(null)
    t.deepEqual([first.load(5), second.load(5), third.load(5)], [50, 50, 50])
    t.is(first.size(), 1)
    t.is(memory.grow(1), 1)
    t.is(third.size(), 2)
  })

  test('functions on the stack, of several instances, go on in the region that an import attached', (t) => {
    const memory = new WebAssembly.Memory({ host: filled(1000, 1) })
    const after = filled(2000, 2)
    const inner = instantiate(
      tier,
      `(module
        (import "env" "memory" (memory 0))
        (import "env" "attach" (func $attach))
        (func (export "inner") (result i32) (local i32)
          (local.set 0 (i32.load8_u (i32.const 999)))
          (call $attach)
          (i32.add (local.get 0) (i32.mul (i32.const 10) (i32.load8_u (i32.const 999))))))`,
      { memory, attach: () => memory.attach(after) },
    )
    const outer = instantiate(
      tier,
      `(module
        (import "env" "memory" (memory 0))
        (import "env" "inner" (func $inner (result i32)))
        (func (export "outer") (result i32) (local i32)
          (local.set 0 (i32.load8_u (i32.const 7)))
          (i32.add (local.get 0)
            (i32.add (i32.mul (i32.const 100) (call $inner))
              (i32.mul (i32.const 10000) (i32.load8_u (i32.const 1999)))))))`,
      { memory, inner: inner.exports.inner as () => number },
    )
    const before = filled(1000, 1)
    for (let round = 0; round < tier.rounds; ++round) {
      memory.attach(before)
      t.is(outer.exports.outer(), 1 + 100 * (1 + 10 * 2) + 10000 * 2)
    }
  })

  test('memory of one instance goes before the region of the memory object', (t) => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const module = compile(tier, accessor)
    const one = new WebAssembly.Instance(module, { env: { memory } })
    const other = new WebAssembly.Instance(module, { env: { memory } })
    setWasmInstanceRawMemory(one, filled(100, 1))
    memory.attach(filled(200, 2))
    t.deepEqual([one.exports.load(0), other.exports.load(0)], [1, 2])
    t.throws(() => one.exports.load(100), outOfBounds)
    setWasmInstanceRawMemory(one, null)
    t.is(one.exports.load(199), 2)
    memory.attach(null)
    t.deepEqual([one.exports.load(0), other.exports.load(0)], [0, 0])
  })

  test('tables and exports lead to instances that see the region', (t) => {
    const memory = new WebAssembly.Memory({ initial: 1 })
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
    const { load } = instantiate(tier, accessor, { memory }).exports
    table.set(0, load)
    const { call, memory: exported } = instantiate(
      tier,
      `(module
        (import "env" "memory" (memory 0))
        (import "env" "table" (table 1 funcref))
        (export "memory" (memory 0))
        (func (export "call") (param i32) (result i32)
          (i32.add (i32.load8_u (local.get 0))
            (call_indirect (param i32) (result i32) (local.get 0) (i32.const 0)))))`,
      { memory, table },
    ).exports
    t.is(exported, memory)
    exported.attach(filled(10, 5))
    for (let round = 0; round < tier.rounds; ++round) t.is(call(9), 10)
    t.throws(() => call(10), outOfBounds)
  })
}
