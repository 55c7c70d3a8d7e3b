// Run by node-raw-code.test.ts, once for every way to compile code. Prints what was checked.
import assert from 'node:assert/strict'
import { openBackend, type WebAssembly as Wasm } from 'v8-rawmem'
import { GuardedRegion } from '../attached-memory/guarded-region.ts'
import { accessesModule } from '../sdk/accesses.ts'
import { wat } from '../support/wat.ts'
import { checkSwitches } from '../support/window-switches.ts'

const { WebAssembly, HostRegion, setWasmInstanceRawMemory } = openBackend('node-raw')

const pageSize = 65536
const rounds = Number(process.argv[2])
const outOfBounds = { name: 'RuntimeError', message: 'memory access out of bounds' }

const unaligned = /operation does not support unaligned accesses/

const supports = (memories: string) => WebAssembly.validate(wat(`(module ${memories})`))
const hasSeveral = supports('(memory 0) (memory 0)')
const has64Bits = supports('(memory i64 0)')
const memoryIndices = hasSeveral ? [0, 1] : [0]

function instantiate(text: string, env: Wasm.Imports[string] = {}): Wasm.Instance {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), { env })
}

const declarations: Record<string, { imports: boolean; limits: string }> = {
  'defined, growing': { imports: false, limits: '0' },
  'defined, initial = maximum': { imports: false, limits: '1 1' },
  'defined, initial = maximum = 0': { imports: false, limits: '0 0' },
  'imported, initial = maximum': { imports: true, limits: '1 1' },
  'imported, with a maximum': { imports: true, limits: '0 10' },
}

function checkSwitchesOf(memory: number, name: string): void {
  const { imports, limits } = declarations[name] as (typeof declarations)[string]
  const [initial, maximum] = limits.split(' ').map(Number) as [number, number]
  const ids = memory === 1 ? ['$m0', '$m'] : ['$m']
  checkSwitches({
    WebAssembly,
    HostRegion,
    memory,
    initial,
    rounds,
    declarations: ids
      .map((id) =>
        imports
          ? `(import "env" "${id}" (memory ${id} ${limits}))`
          : `(memory ${id} (export "${id}") ${limits})`,
      )
      .join('\n'),
    instantiate(text, env) {
      const memories = imports
        ? ids.map((id) => [id, new WebAssembly.Memory({ initial, maximum })])
        : []
      const instance = instantiate(text, { ...env, ...Object.fromEntries(memories) })
      return {
        exports: instance.exports,
        attach: (region) => setWasmInstanceRawMemory(instance, region, memory),
      }
    },
  })
}

/** Every load, store, vector and atomic access, at the ends of regions of all kinds of sizes. */
function checkAccesses(address: 'i32' | 'i64', memory: 0 | 1): number {
  const instance = instantiate(accessesModule(address, memory))
  const { memory: _, ...functions } = instance.exports
  const number = address === 'i64' ? BigInt : Number
  for (const [length, gap] of [
    [0, 0],
    [1, 64],
    [15, 0],
    [17, 33],
    [24, 40],
    [pageSize - 1, 0],
    [pageSize + 24, 100],
    [pageSize + 24, 0],
  ] as const) {
    const guarded = new GuardedRegion(length, gap)
    // It ends, or the canaries do, where a page begins.
    const isAligned = (length + gap) % 8 === 0
    setWasmInstanceRawMemory(instance, guarded.region, memory)
    for (let round = 0; round < Math.min(rounds, 3); ++round) {
      for (const [name, run] of Object.entries(functions)) {
        const [instruction, width, offset] = name.split(' ')
        const bytes = Number(width)
        const isAtomic = instruction?.includes('atomic')
        const step = isAtomic ? bytes : 1
        const last = Math.floor((length - bytes - Number(offset)) / step) * step
        const what = (at: number) => `${name} at ${at} of ${length}`
        if (last >= 0) {
          try {
            run(number(last))
          } catch (error) {
            // Optimised code looks at the address in the process.
            if (!isAtomic || isAligned || !unaligned.test(String(error))) {
              throw new Error(what(last), { cause: error })
            }
          }
        }
        for (const beyond of [last + step, -bytes]) {
          assert.throws(() => run(number(beyond)), { name: 'RuntimeError' }, what(beyond))
        }
      }
    }
    assert.ok(guarded.intact, `something around ${length} bytes was written`)
    setWasmInstanceRawMemory(instance, null, memory)
    guarded.close()
  }
  return Object.keys(functions).length
}

function checkBulk(memory: number): void {
  const text = `(module
    ${memory === 1 ? '(memory 0)' : ''} (memory 0 2)
    (data $text "abcdef")
    (func (export "fill") (param i32 i32 i32) (memory.fill ${memory} (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32)
      (memory.copy ${memory} ${memory} (local.get 0) (local.get 1) (local.get 2)))
    (func (export "init") (param i32 i32 i32) (memory.init ${memory} $text (local.get 0) (local.get 1) (local.get 2))))`
  for (const [length, gap] of [
    [6, 0],
    [17, 40],
    [pageSize, 0],
    // More than the declared maximum.
    [3 * pageSize + 4097, 7],
  ] as const) {
    const instance = instantiate(text)
    const { fill, copy, init } = instance.exports
    const guarded = new GuardedRegion(length, gap)
    const { bytes } = guarded
    setWasmInstanceRawMemory(instance, guarded.region, memory)
    for (let round = 0; round < Math.min(rounds, 3); ++round) {
      fill(0, 1, length)
      assert.ok(bytes.every((byte) => byte === 1))
      init(length - 6, 0, 6)
      copy(0, length - 3, 3)
      assert.deepEqual([...bytes.subarray(0, 3)], [100, 101, 102])
      const before = Uint8Array.from(bytes)
      for (const beyond of [
        () => fill(length - 5, 7, 6),
        () => fill(length, 7, 1),
        () => fill(1, 7, -1),
        () => fill(length + 1, 7, 0),
        () => copy(length - 2, 0, 3),
        () => copy(0, length - 2, 3),
        () => init(length - 5, 0, 6),
      ]) {
        assert.throws(beyond, outOfBounds, `${beyond} of ${length}`)
      }
      fill(length, 7, 0)
      assert.deepEqual(bytes, Uint8Array.from(before))
      assert.ok(guarded.intact)
    }
    setWasmInstanceRawMemory(instance, null, memory)
    guarded.close()
  }
}

/** A static offset beyond the declared maximum, which V8 would take for out of bounds whatever is attached. */
function checkOffsets(memory: number): void {
  const instance = instantiate(`(module
    ${memory === 1 ? '(memory 0)' : ''} (memory 1 1)
    (func (export "far") (param i32) (result i32) (i32.load8_u ${memory} offset=3000000000 (local.get 0))))`)
  const region = HostRegion.allocate(2 ** 32)
  region.view(Uint8Array, 3_000_000_007, 1)[0] = 42
  setWasmInstanceRawMemory(instance, region, memory)
  for (let round = 0; round < rounds; ++round) {
    assert.equal(instance.exports.far(7), 42)
    assert.throws(() => instance.exports.far(-1), outOfBounds)
  }
  setWasmInstanceRawMemory(instance, null, memory)
  assert.throws(() => instance.exports.far(7), outOfBounds)
  region.close()
}

function check64Bits(): void {
  const instance = instantiate(`(module
    (memory i64 0 10)
    (func (export "byte") (param i64) (result i32) (i32.load8_u (local.get 0)))
    (func (export "fill") (param i64 i32 i64) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "size") (result i64) memory.size))`)
  const { byte, fill, size } = instance.exports
  const length = 64 * 2 ** 30 + 5
  const end = BigInt(length)
  const region = HostRegion.allocate(length)
  region.subarray(length - 1).view(Uint8Array)[0] = 9
  setWasmInstanceRawMemory(instance, region)
  for (let round = 0; round < rounds; ++round) {
    assert.equal(byte(end - 1n), 9)
    fill(end - 3n, 4, 2n)
    assert.equal(byte(end - 2n), 4)
    for (const at of [end, end + 2n ** 32n, 2n ** 48n, -1n]) {
      assert.throws(() => byte(at), outOfBounds)
    }
    assert.throws(() => fill(end - 1n, 1, 2n), outOfBounds)
    assert.equal(size(), end / BigInt(pageSize))
  }
  setWasmInstanceRawMemory(instance, null)
  assert.equal(size(), 0n)
  region.close()
}

let accesses = 0
for (const memory of memoryIndices) {
  for (const name of Object.keys(declarations)) checkSwitchesOf(memory, name)
  accesses += checkAccesses('i32', memory as 0 | 1)
  checkBulk(memory)
  checkOffsets(memory)
}
if (has64Bits) {
  check64Bits()
  for (const memory of memoryIndices) accesses += checkAccesses('i64', memory as 0 | 1)
}
console.log(JSON.stringify({ memories: memoryIndices.length, has64Bits, accesses }))
