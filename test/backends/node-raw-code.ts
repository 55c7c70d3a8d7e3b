// Run by node-raw-code.test.ts, once for every way to compile code. Prints what was checked.
import assert from 'node:assert/strict'
import { openBackend, type HostRegion as Region, type WebAssembly as Wasm } from 'v8-rawmem'
import { GuardedRegion } from '../attached-memory/guarded-region.ts'
import { accessesModule } from '../sdk/accesses.ts'
import { wat } from '../support/wat.ts'

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

/** Windows 0, 1, … over one region, at odd addresses: all bytes of window n are n + 1, sizes differ. */
function makeWindows(count: number, atLeast: number): Region[] {
  const sizes = Array.from({ length: count }, (_, n) => atLeast + 1000 + 777 * (n % 3) + n)
  const whole = HostRegion.allocate(sizes.reduce((sum, size) => sum + size, 3))
  let begin = 3
  return sizes.map((size, n) => {
    const window = whole.subarray(begin, begin + size)
    begin += size
    window.view(Uint8Array).fill(n + 1)
    return window
  })
}

function switchesModule(memory: number, declaration: (name: string) => string): string {
  return `(module
    (type $returning (func (result i32)))
    (import "env" "next" (func $next (result i32)))
    (import "env" "fail" (func $fail))
    ${memory === 1 ? declaration('$m0') : ''}
    ${declaration('$m')}
    (table funcref (elem $next $inner))
    (func $inner (result i32) (drop (call $next)) (i32.load8_u ${memory} (i32.const 3)))
    (func $two (param $before i32) (result i32)
      (i32.add (local.get $before) (i32.mul (i32.const 1000) (i32.load8_u ${memory} (i32.const 3)))))
    (func $byte (export "byte") (param i32) (result i32) (i32.load8_u ${memory} (local.get 0)))
    (func (export "direct") (result i32) (local $before i32)
      (local.set $before (i32.load8_u ${memory} (i32.const 3)))
      (drop (call $next))
      (call $two (local.get $before)))
    (func (export "inlined") (result i32) (local $before i32)
      (local.set $before (i32.load8_u ${memory} (i32.const 3)))
      (drop (call $inner))
      (call $two (local.get $before)))
    (func (export "indirect") (param $entry i32) (result i32) (local $before i32)
      (local.set $before (i32.load8_u ${memory} (i32.const 3)))
      (drop (call_indirect (type $returning) (local.get $entry)))
      (call $two (local.get $before)))
    (func (export "caught") (result i32) (local $before i32)
      (local.set $before (i32.load8_u ${memory} (i32.const 3)))
      (try (do (call $fail)) (catch_all))
      (call $two (local.get $before)))
    (func (export "vector") (result i64) (local $before i64)
      (local.set $before (i64x2.extract_lane 1 (v128.load ${memory} (i32.const 5))))
      (drop (call $next))
      (i64.xor (local.get $before) (i64x2.extract_lane 0 (v128.load ${memory} (i32.const 5)))))
    (func (export "bulk") (result i32)
      (memory.fill ${memory} (i32.const 0) (i32.const 77) (i32.const 9))
      (drop (call $next))
      (memory.copy ${memory} ${memory} (i32.const 0) (i32.const 8) (i32.const 8))
      (memory.fill ${memory} (i32.const 1) (i32.const 78) (i32.const 1))
      (i32.load ${memory} (i32.const 0)))
    ;; The shape of a scan: every byte of the window, then the next one, until there is none.
    (func (export "sum") (result i64) (local $sum i64) (local $at i32) (local $length i32)
      (block $end
        (loop $windows
          (br_if $end (i32.eqz (local.tee $length (call $next))))
          (local.set $at (i32.const 0))
          (loop $bytes
            (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (local.get $at))))
            (br_if $bytes
              (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $length))))
          (br $windows)))
      (local.get $sum))
    ;; The call is in the loop that reads.
    (func (export "mixed") (param $count i32) (result i64) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (i32.const 9))))
        (drop (call $next))
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u ${memory} (i32.const 9))))
        (br_if $next (local.tee $count (i32.sub (local.get $count) (i32.const 1)))))
      (local.get $sum))
    ;; The size as well: it has to trap at the end of the first window that is smaller.
    (func (export "beyond") (param $at i32) (result i32)
      (drop (i32.load8_u ${memory} (local.get $at)))
      (drop (call $next))
      (i32.load8_u ${memory} (local.get $at)))
    (func (export "size") (result i32) (memory.size ${memory})))`
}

const declarations: Record<string, { minimum: number; imports: boolean; limits: string }> = {
  'defined, growing': { minimum: 0, imports: false, limits: '0' },
  'defined, initial = maximum': { minimum: pageSize, imports: false, limits: '1 1' },
  'defined, initial = maximum = 0': { minimum: 0, imports: false, limits: '0 0' },
  'imported, initial = maximum': { minimum: pageSize, imports: true, limits: '1 1' },
  'imported, with a maximum': { minimum: 0, imports: true, limits: '0 10' },
}

function checkSwitches(memory: number, name: string): void {
  const { minimum, imports, limits } = declarations[name] as (typeof declarations)[string]
  const windows = makeWindows(40, minimum)
  let at = 0
  const next = (): number => {
    const window = windows[++at]
    if (window === undefined) return 0
    setWasmInstanceRawMemory(instance, window, memory)
    return window.byteLength
  }
  const fail = (): never => {
    next()
    throw new Error('after the switch')
  }
  const [initial, maximum] = limits.split(' ').map(Number) as [number, number]
  const instance = instantiate(
    switchesModule(memory, (id) =>
      imports
        ? `(import "env" "${id}" (memory ${id} ${limits}))`
        : `(memory ${id} (export "${id}") ${limits})`,
    ),
    {
      next,
      fail,
      ...(imports
        ? {
            $m0: new WebAssembly.Memory({ initial, maximum }),
            $m: new WebAssembly.Memory({ initial, maximum }),
          }
        : {}),
    },
  )
  const { exports } = instance
  const from = <T>(first: number, run: () => T): T => {
    at = first
    setWasmInstanceRawMemory(instance, windows[first] as Region, memory)
    return run()
  }
  const lengths = windows.map((window) => window.byteLength)
  const total = lengths.slice(1).reduce((sum, length, n) => sum + length * (n + 2), 0)
  for (let round = 0; round < rounds; ++round) {
    for (const way of ['direct', 'inlined', 'caught']) {
      assert.equal(from(5, exports[way]), 6 + 1000 * 7, way)
    }
    for (const entry of [0, 1]) {
      assert.equal(
        from(5, () => exports.indirect(entry)),
        6 + 1000 * 7,
      )
    }
    assert.equal(from(5, exports.vector), 0x0606060606060606n ^ 0x0707070707070707n)
    assert.equal(from(30, exports.bulk), 0x2020_4e20)
    assert.equal(windows[30]?.view(Uint8Array)[8], 77)
    windows[30]?.view(Uint8Array).fill(31)
    windows[31]?.view(Uint8Array).fill(32)
    assert.equal(from(0, exports.sum), BigInt(total))
    assert.equal(
      from(0, () => exports.mixed(30)),
      BigInt(Array.from({ length: 30 }, (_, n) => n + 1 + (n + 2)).reduce((a, b) => a + b)),
    )
    // From the larger window 2 to the smaller 3, and the other way round.
    assert.throws(() => from(2, () => exports.beyond(lengths[3])), outOfBounds)
    assert.equal(
      from(3, () => exports.beyond((lengths[3] as number) - 1)),
      5,
    )
    // JavaScript that became hot may have the function's code in it.
    let sum = 0
    for (let n = 0; n < 200; ++n) {
      if (n % 10 === 0) setWasmInstanceRawMemory(instance, windows[n / 10] as Region, memory)
      sum += exports.byte(n)
    }
    assert.equal(sum, (10 * 20 * 21) / 2)
    const last = lengths[19] as number
    assert.equal(exports.byte(last - 1), 20)
    assert.throws(() => exports.byte(last), outOfBounds)
    assert.equal(exports.size(), Math.floor(last / pageSize))
  }
  setWasmInstanceRawMemory(instance, null, memory)
  assert.equal(exports.size(), initial)
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
  for (const name of Object.keys(declarations)) checkSwitches(memory, name)
  accesses += checkAccesses('i32', memory as 0 | 1)
  checkBulk(memory)
  checkOffsets(memory)
}
if (has64Bits) {
  check64Bits()
  for (const memory of memoryIndices) accesses += checkAccesses('i64', memory as 0 | 1)
}
console.log(JSON.stringify({ memories: memoryIndices.length, has64Bits, accesses }))
