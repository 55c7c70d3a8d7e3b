import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'
import { compile, outcome, pageSize, type Tier, trapped, unaligned } from './tier.ts'

const accessors = `
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "loadFar") (param i32) (result i32) (i32.load offset=0xfffffff0 (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "vector") (param i32) (result i32)
    (i32x4.extract_lane 3 (v128.load (local.get 0))))
  (func (export "add") (param i32) (result i32) (i32.atomic.rmw.add (local.get 0) (i32.const 1)))
  (func (export "fill") (param i32) (memory.fill (local.get 0) (i32.const 1) (i32.const 8)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))`
const source = `(module (memory (export "memory") 1) ${accessors})`
const importing = `(module (import "env" "memory" (memory 1)) ${accessors})`

/** Modules that were compiled with `{ boundsChecks: 'region' }`. */
export function regionChecksSuite(tier: Tier): void {
  const make = (text: string, env = {}) =>
    new WebAssembly.Instance(compile(tier, text, { boundsChecks: 'region' }), { env })

  test('region checks: accesses work in a guarded region, and trap behind its last page', (t) => {
    const region = HostRegion.allocate(3 * pageSize, { guarded: true })
    const instance = make(source)
    const { exports } = instance
    for (let round = 0; round < tier.rounds; ++round) exports.load(0)
    setWasmInstanceRawMemory(instance, region.subarray(4, 4 + pageSize))
    exports.store(0, 77)
    t.is(region.view(Uint8Array)[4], 77)
    t.is(
      outcome(() => exports.load(pageSize)),
      'done',
      'beside the window lies the region',
    )
    for (const address of [3 * pageSize, 2 ** 31, -4]) {
      t.is(
        outcome(() => exports.load(address)),
        trapped,
      )
      t.is(
        outcome(() => exports.store(address, 1)),
        trapped,
      )
      t.is(
        outcome(() => exports.add(address & ~3)),
        trapped,
      )
    }
    t.is(
      outcome(() => exports.vector(3 * pageSize - 4)),
      trapped,
      'at the end by four bytes',
    )
    t.is(
      outcome(() => exports.loadFar(-1)),
      trapped,
      'as far as addresses reach',
    )
    t.is(
      outcome(() => exports.fill(pageSize - 7)),
      trapped,
      'bulk operations stay exact',
    )
    t.is(region.damaged, undefined)
  })

  test('region checks: atomic accesses must be aligned, also beyond the declared maximum', (t) => {
    const instance = make(`(module (memory 0 0)
      (func (export "add") (param i32) (result i32)
        (i32.atomic.rmw.add (local.get 0) (i32.const 1)))
      (func (export "addFar") (param i32) (result i32)
        (i32.atomic.rmw.add offset=65535 (local.get 0) (i32.const 1))))`)
    const { add, addFar } = instance.exports
    setWasmInstanceRawMemory(instance, HostRegion.allocate(2 * pageSize, { guarded: true }))
    for (const [run, aligned] of [
      [add, 8],
      [addFar, 1],
    ] as const) {
      t.is(
        outcome(() => run(aligned)),
        'done',
      )
      for (const more of [1, 2, 3]) {
        t.is(
          outcome(() => run(aligned + more)),
          unaligned,
        )
      }
    }
  })

  test('region checks: what is left to C++ stays exact', (t) => {
    const instance = make(`(module (memory 1) (memory $shared 1 1 shared)
      (func (export "notify") (param i32) (result i32)
        (memory.atomic.notify (local.get 0) (i32.const 1)))
      (func (export "wait") (param i32) (result i32)
        (memory.atomic.wait32 $shared (local.get 0) (i32.const 1) (i64.const 0))))`)
    const { notify, wait } = instance.exports
    setWasmInstanceRawMemory(instance, HostRegion.allocate(pageSize, { guarded: true }))
    for (const run of [notify, wait]) {
      t.is(
        outcome(() => run(pageSize - 4)),
        'done',
      )
      for (const address of [pageSize, 2 ** 31, -4]) {
        t.is(
          outcome(() => run(address)),
          trapped,
        )
      }
    }
  })

  test('region checks: regions without a guard are refused', (t) => {
    const instance = make(source)
    const region = HostRegion.allocate(pageSize)
    const refusal = { instanceOf: TypeError, message: /make the region with \{ guarded: true \}/ }
    t.throws(() => setWasmInstanceRawMemory(instance, region), refusal)
    t.throws(() => instance.exports.memory.attach(region), refusal)
    t.is(instance.exports.load(0), 0, 'it is on its own memory')
    const buffer = HostRegion.from(new ArrayBuffer(pageSize))
    t.throws(() => setWasmInstanceRawMemory(instance, buffer), refusal)
  })

  test('region checks: the own memory traps, grows, and can be given to a module of the kind', (t) => {
    const { exports } = make(source)
    t.is(
      outcome(() => exports.load(pageSize)),
      trapped,
    )
    t.is(exports.grow(2), 1)
    t.is(exports.load(3 * pageSize - 4), 0)
    t.is(
      outcome(() => exports.load(3 * pageSize)),
      trapped,
    )
    const other = make(importing, { memory: exports.memory })
    other.exports.store(8, 5)
    t.is(exports.load(8), 5)
    t.is(
      outcome(() => other.exports.load(3 * pageSize)),
      trapped,
    )
  })

  test('region checks: imported memories need a guard', (t) => {
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 4 })
    t.throws(() => make(importing, { memory }), {
      instanceOf: WebAssembly.LinkError,
      message: /compiled without bounds checks, but the memory import is not guarded/,
    })
    const region = HostRegion.allocate(pageSize, { guarded: true })
    const { exports } = make(importing, { memory: new WebAssembly.Memory({ host: region }) })
    exports.store(0, 9)
    t.is(region.view(Uint8Array)[0], 9)
    t.is(
      outcome(() => exports.load(pageSize)),
      trapped,
    )
  })

  test('region checks: memories of 64 bits, and memory 0 beside host windows, stay exact', (t) => {
    const region = HostRegion.allocate(2 * pageSize)
    const wide = make(`(module (memory i64 1)
      (func (export "load") (param i64) (result i32) (i32.load (local.get 0))))`)
    setWasmInstanceRawMemory(wide, region.subarray(0, pageSize))
    t.is(
      outcome(() => wide.exports.load(BigInt(pageSize))),
      trapped,
    )
    const bytes = wat(source)
    const windows = new WebAssembly.Instance(
      new WebAssembly.Module(bytes, { boundsChecks: 'region', hostWindows: true }),
    )
    setWasmInstanceRawMemory(windows, region.subarray(0, pageSize))
    t.is(
      outcome(() => windows.exports.load(pageSize - 3)),
      trapped,
    )
  })
}
