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
