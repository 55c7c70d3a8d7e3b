import { markAsUntransferable } from 'node:worker_threads'
import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'

const growing = () =>
  new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module (memory (export "memory") 1)
        (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`),
    ),
  ).exports

// From Node 24 on, the mark keeps everybody who does not know its key from detaching the buffer.

test('a memory grows though its buffer is marked as untransferable', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const { buffer } = memory
  markAsUntransferable(buffer)
  t.is(memory.grow(1), 1)
  t.is(buffer.byteLength, 0)
  t.is(memory.buffer.byteLength, 2 * 65536)
})

test('so it does in code', (t) => {
  const { memory, grow } = growing()
  const { buffer } = memory
  markAsUntransferable(buffer)
  t.is(grow(1), 1)
  t.is(buffer.byteLength, 0)
  t.is(memory.buffer.byteLength, 2 * 65536)
})

test('so it does if a region borrows its empty buffer', (t) => {
  const memory = new WebAssembly.Memory({ initial: 0 })
  const { buffer } = memory
  HostRegion.from(buffer)
  t.is(memory.grow(1), 0)
  t.not(memory.buffer, buffer)
  t.is(memory.buffer.byteLength, 65536)
})

test('such a memory can be attached, and its former buffers have no bytes then', (t) => {
  for (const initial of [0, 1]) {
    const memory = new WebAssembly.Memory({ initial })
    const own = memory.buffer
    HostRegion.from(own)
    markAsUntransferable(own)
    const region = HostRegion.allocate(100_000)
    memory.attach(region)
    t.is(own.byteLength, 0)
    const attached = memory.buffer
    markAsUntransferable(attached)
    memory.attach(null)
    t.is(attached.byteLength, 0)
    region.close()
    t.is(memory.buffer.byteLength, initial * 65536)
  }
})

test('growth in code that the timeout of node:vm ends is seen afterwards', async (t) => {
  const { stdout, stderr } = await runScript(new URL('./memory-buffer.ts', import.meta.url))
  t.is(stdout, 'ERR_SCRIPT_EXECUTION_TIMEOUT\n0 131072\n', stderr)
})

test('growth by 0 pages in code gives a memory another buffer, too', (t) => {
  const { memory, grow } = growing()
  const { buffer } = memory
  t.is(grow(0), 1)
  t.is(buffer.byteLength, 0)
  t.is(memory.buffer.byteLength, 65536)
  t.is(grow(65536), -1)
  t.is(memory.buffer.byteLength, 65536)
})

test('a memory that grows in an import of its own is seen there, and afterwards', (t) => {
  const seen: number[] = []
  const { exports } = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module (import "env" "look" (func $look))
        (memory (export "memory") 1)
        (func (export "grow")
          (drop (memory.grow (i32.const 1))) (call $look) (drop (memory.grow (i32.const 1)))))`),
    ),
    {
      env: {
        look() {
          seen.push(first.byteLength, exports.memory.buffer.byteLength)
          second = exports.memory.buffer
        },
      },
    },
  )
  const first = exports.memory.buffer
  let second = first
  exports.grow()
  t.deepEqual(seen, [0, 2 * 65536])
  t.is(second.byteLength, 0)
  t.is(exports.memory.buffer.byteLength, 3 * 65536)
})

test('each of many buffers is the same until its own memory grows', (t) => {
  const programs = Array.from({ length: 300 }, growing)
  const buffers = programs.map(({ memory }) => memory.buffer)
  for (let i = 0; i < programs.length; i += 3) programs[i]?.grow(1)
  programs.forEach(({ memory }, i) => {
    t.is(buffers[i]?.byteLength, i % 3 === 0 ? 0 : 65536)
    t.is(memory.buffer === buffers[i], i % 3 !== 0)
  })
})

test('what a call costs does not depend on the number of buffers', (t) => {
  const { call } = new WebAssembly.Instance(
    new WebAssembly.Module(wat('(module (func (export "call")))')),
  ).exports
  const microseconds = () => {
    const calls = 2000
    const begin = performance.now()
    for (let i = 0; i < calls; i++) call()
    return ((performance.now() - begin) * 1000) / calls
  }
  /** The best of several, as other processes run beside this one. */
  const cost = () => Math.min(...Array.from({ length: 10 }, microseconds))
  cost()
  const alone = cost()
  const memories = Array.from(
    { length: 4000 },
    () => new WebAssembly.Memory({ initial: 0, maximum: 1 }),
  )
  const buffers = memories.map((memory) => memory.buffer)
  const among = cost()
  t.true(among < 5 * alone + 1, `${alone} us without buffers, ${among} us with 4000`)
  // Nor does what the buffer of one costs.
  const begin = performance.now()
  memories.forEach((memory, i) => {
    t.is(memory.buffer, buffers[i] as ArrayBuffer)
  })
  t.true(performance.now() - begin < 1000)
})
