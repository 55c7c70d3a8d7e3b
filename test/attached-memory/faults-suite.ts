import { truncateSync } from 'node:fs'
import test, { type ExecutionContext } from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { instantiate, outcome, pageSize, type Tier, trapped } from './tier.ts'

const source = `(module
  (import "env" "visit" (func $visit))
  (memory (export "memory") 2)
  (table 1 externref)
  (func (export "load8") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "load64") (param i32) (result i64) (i64.load (local.get 0)))
  (func (export "vector") (param i32) (result i32)
    (i32x4.extract_lane 1 (v128.load (local.get 0))))
  (func (export "add") (param i32) (result i32) (i32.atomic.rmw.add (local.get 0) (i32.const 1)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "twoStores") (param i32)
    (i32.store (i32.const 0) (i32.const 1))
    (i32.store (local.get 0) (i32.const 2))
    (i32.store (i32.const 4) (i32.const 3)))
  (func (export "sum") (param $end i32) (result i32)
    (local $at i32) (local $sum i32)
    (loop $next
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $at))))
      (local.set $at (i32.add (local.get $at) (i32.const 4)))
      (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum))
  (func (export "keep") (param $kept externref) (param $at i32) (result externref)
    (table.set (i32.const 0) (local.get $kept))
    (i32.store (i32.const 0) (i32.load (local.get $at)))
    (call $visit)
    (local.get $kept))
  (func (export "copy") (param i32)
    (memory.copy (i32.const 0) (local.get 0) (i32.const 4096)))
  (func (export "fill") (param i32)
    (memory.fill (local.get 0) (i32.const 7) (i32.const 4096)))
  (func (export "visiting") (result i32) (call $visit) (i32.load (i32.const 0))))`

/** Behind this, the pages of a file are gone. */
const kept = pageSize

/** A file whose second half is cut off while it is mapped, and an instance on it. */
function cutShort(t: ExecutionContext, tier: Tier, options = {}, visit: () => void = () => {}) {
  const path = temporaryFile(t, patternBytes(2 * pageSize))
  const region = HostRegion.mapFile(path, options)
  const instance = instantiate(tier, source, { visit })
  setWasmInstanceRawMemory(instance, region)
  for (let round = 0; round < tier.rounds; ++round) instance.exports.sum(2 * pageSize)
  truncateSync(path, kept)
  return { path, region, instance, exports: instance.exports }
}

/** What happens where the pages under a program cannot be touched. */
export function faultsSuite(tier: Tier): void {
  for (const writable of [false, true]) {
    test(`a program that reads or writes beyond the end of a ${writable ? 'writable ' : ''}file traps`, (t) => {
      const { path, region, exports } = cutShort(t, tier, { writable })
      const lost = (byte: number) =>
        `${trapped}: byte ${byte} of '${path}' cannot be accessed: the file was cut short while it was mapped, its medium failed, or the disk is full`
      t.is(
        outcome(() => exports.load8(kept)),
        lost(kept),
      )
      t.is(
        outcome(() => exports.load64(kept + 5)),
        lost(kept + 5),
      )
      t.is(
        outcome(() => exports.vector(kept + 4093)),
        lost(kept + 4093),
      )
      t.is(
        outcome(() => exports.add(kept + 8)),
        lost(kept + 8),
      )
      t.is(
        outcome(() => exports.store(kept + 16, 1)),
        lost(kept + 16),
      )
      t.is(
        outcome(() => exports.sum(2 * pageSize)),
        lost(kept),
      )
      t.is(
        outcome(() => exports.load8(2 * pageSize)),
        trapped,
        'bounds are as ever',
      )
      t.is(region.damaged, undefined, 'nothing was put in the place of the pages')
      t.is(exports.load8(kept - 1), region.view(Uint8Array)[kept - 1], 'the rest is there')
    })
  }

  test('an access that straddles the last page traps, and stores nothing', (t) => {
    const { exports } = cutShort(t, tier)
    t.regex(
      outcome(() => exports.store(kept - 2, -1)),
      /^memory access out of bounds: byte/,
    )
    t.not(exports.load8(kept - 2), 0xff)
  })

  test('stores before the fault are done, those after it are not', (t) => {
    const { exports } = cutShort(t, tier)
    t.regex(
      outcome(() => exports.twoStores(kept)),
      /^memory access out of bounds: byte/,
    )
    t.is(exports.load8(0), 1)
    t.not(exports.load8(4), 3)
  })

  test('references that a faulting function holds are no trouble for the garbage collector', (t) => {
    const { exports } = cutShort(t, tier)
    for (let i = 0; i < 3000; ++i) {
      const value = { i }
      t.regex(
        outcome(() => exports.keep(value, kept + 4 * i)),
        /cannot be accessed/,
      )
    }
    const value = {}
    t.is(exports.keep(value, 0), value)
  })

  test('bulk operations over lost pages end their call', (t) => {
    const { path, region, exports } = cutShort(t, tier)
    const message = new RegExp(
      `^memory was lost under the call, and read as zeros: byte \\d+ of '${path}' cannot be accessed`,
    )
    t.regex(
      outcome(() => exports.copy(kept + 4096)),
      message,
    )
    t.deepEqual(region.damaged, { byteOffset: kept + 4096 })
    t.regex(
      outcome(() => exports.fill(kept)),
      message,
    )
    t.is(
      outcome(() => exports.copy(0)),
      'done',
      'the next call is none the worse',
    )
  })

  test('so do lost pages that JavaScript touches meanwhile', (t) => {
    const touched: (number | undefined)[] = []
    const { region, exports } = cutShort(t, tier, {}, () => {
      touched.push(region.view(Uint8Array)[kept + 1])
    })
    t.regex(
      outcome(() => exports.visiting()),
      /^memory was lost under the call/,
    )
    t.deepEqual(touched, [0])
  })

  test('accesses in the holes of a composed region trap', (t) => {
    const [first, second] = [1, 2].map((value) => {
      const region = HostRegion.allocate(pageSize, { shareable: true })
      region.view(Uint8Array).fill(value)
      return region
    }) as [HostRegion, HostRegion]
    const region = HostRegion.compose([
      { region: first, at: 0 },
      { region: second, at: 2 * pageSize },
    ])
    const { exports } = ((instance) => {
      setWasmInstanceRawMemory(instance, region)
      return instance
    })(instantiate(tier, source, { visit() {} }))
    t.is(exports.load8(pageSize - 1), 1)
    t.is(exports.load8(2 * pageSize), 2)
    const hole = `${trapped}: byte ${pageSize} of the HostRegion cannot be accessed`
    t.is(
      outcome(() => exports.load8(pageSize)),
      hole,
    )
    t.is(
      outcome(() => exports.store(pageSize, 1)),
      hole,
    )
    exports.store(2 * pageSize, 0x05050505)
    t.is(second.view(Uint8Array)[3], 5, 'it shows the same pages')
  })

  test('a fault in a memory beside the first', (t) => {
    const path = temporaryFile(t, patternBytes(pageSize))
    const instance = instantiate(
      tier,
      `(module (memory 1) (memory 1)
        (func (export "load") (param i32) (result i32) (i32.load 1 (local.get 0))))`,
    )
    setWasmInstanceRawMemory(instance, HostRegion.mapFile(path), 1)
    for (let round = 0; round < tier.rounds; ++round) instance.exports.load(0)
    truncateSync(path, 4096)
    t.regex(
      outcome(() => instance.exports.load(4096)),
      /byte 4096 of '.*' cannot be accessed/,
    )
  })

  test('a trap of a fault is no exception that code can catch', (t) => {
    const path = temporaryFile(t, patternBytes(pageSize))
    const instance = instantiate(
      tier,
      `(module (memory 1)
        (func (export "load") (result i32)
          (block $caught
            (try_table (catch_all $caught) (return (i32.load (i32.const 4096)))))
          (i32.const -1)))`,
    )
    setWasmInstanceRawMemory(instance, HostRegion.mapFile(path))
    truncateSync(path, 4096)
    t.throws(() => instance.exports.load(), { instanceOf: WebAssembly.RuntimeError })
  })
}
