import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { GuardedRegion } from './guarded-region.ts'
import { makeTarget, ways } from './targets.ts'
import { compile, outOfBounds, pageSize, type Tier } from './tier.ts'

const bulk = `(module
  (import "env" "memory0" (memory $a 0 10))
  (import "env" "memory1" (memory $b 0 10))
  (data $text "abcdef")
  (func (export "fill") (param i32 i32 i32) (memory.fill $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32) (memory.copy $a $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "import") (param i32 i32 i32) (memory.copy $a $b (local.get 0) (local.get 1) (local.get 2)))
  (func (export "export") (param i32 i32 i32) (memory.copy $b $a (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32) (memory.init $a $text (local.get 0) (local.get 1) (local.get 2)))
  (func (export "drop") (data.drop $text))
  (func (export "size") (result i32) (memory.size $a))
  (func (export "grow") (param i32) (result i32) (memory.grow $a (local.get 0))))`

/** Bulk operations, growing and data segments. */
export function bulkSuite(tier: Tier): void {
  for (const way of ways) {
    test(`bulk operations work up to the last byte, and write nothing if they do not fit: by ${way}`, (t) => {
      for (const [length, gap] of [
        [6, 0],
        [17, 40],
        [pageSize, 0],
        [pageSize + 4097, 7],
      ] as const) {
        for (let round = 0; round < Math.min(tier.rounds, 4); ++round) {
          const { exports, attach } = makeTarget(tier, way, bulk, {}, { memories: 2 })
          const guarded = new GuardedRegion(length, gap)
          const other = new GuardedRegion(length + 1)
          attach(guarded.region, 0)
          attach(other.region, 1)
          const { bytes } = guarded
          const tail = (count: number) => [...bytes.subarray(length - count)]
          exports.fill(0, 1, length)
          t.true(bytes.every((byte) => byte === 1))
          exports.fill(length - 2, 0x1ff, 2)
          t.deepEqual(tail(3), [1, 255, 255])
          exports.init(length - 6, 0, 6)
          t.deepEqual(tail(6), [97, 98, 99, 100, 101, 102])
          exports.copy(0, length - 3, 3)
          t.deepEqual([...bytes.subarray(0, 3)], [100, 101, 102])
          exports.export(length - 1, length - 2, 2)
          t.deepEqual([...other.bytes.subarray(length - 1)], [101, 102])
          other.bytes.fill(9)
          exports.import(length - 1, length, 1)
          t.is(bytes[length - 1], 9)

          const before = Uint8Array.from(bytes)
          for (const [beyond, call] of [
            ['fill', () => exports.fill(length - 5, 7, 6)],
            ['fill at the end', () => exports.fill(length, 7, 1)],
            ['fill, wrapping around', () => exports.fill(1, 7, -1)],
            ['empty fill beyond the end', () => exports.fill(length + 1, 7, 0)],
            ['copy, target', () => exports.copy(length - 2, 0, 3)],
            ['copy, source', () => exports.copy(0, length - 2, 3)],
            ['copy, wrapping around', () => exports.copy(0, 1, -1)],
            ['copy in, target', () => exports.import(length, 0, 1)],
            ['copy in, source', () => exports.import(0, length, 2)],
            ['copy out, source', () => exports.export(0, length - 1, 2)],
            ['init, target', () => exports.init(length - 5, 0, 6)],
            ['init, source', () => exports.init(0, 1, 6)],
          ] as const) {
            t.throws(call, outOfBounds, `${beyond} of ${length}`)
          }
          t.deepEqual(bytes, before)
          t.true(other.bytes.every((byte) => byte === 9))
          // Nothing at the very end is in bounds.
          exports.fill(length, 7, 0)
          exports.copy(length, length, 0)
          exports.init(length, 6, 0)
          exports.drop()
          exports.init(length, 0, 0)
          t.throws(() => exports.init(0, 0, 1), outOfBounds)
          t.deepEqual(bytes, before)
          t.true(guarded.intact && other.intact)
          attach(null, 0)
          attach(null, 1)
          guarded.close()
          other.close()
        }
      }
    })

    test(`sizes are whole pages, rounded down, and growing fails: by ${way}`, (t) => {
      const { exports, attach } = makeTarget(tier, way, bulk, {}, { memories: 2 })
      for (const [length, pages] of [
        [0, 0],
        [1, 0],
        [pageSize - 1, 0],
        [pageSize, 1],
        [pageSize + 1, 1],
        [3 * pageSize + 5, 3],
        // More than the declared maximum.
        [12 * pageSize, 12],
      ] as const) {
        const { region } = new GuardedRegion(length)
        attach(region)
        for (let round = 0; round < tier.rounds; ++round) {
          t.is(exports.size(), pages)
          for (const delta of [0, 1, 65536, -1]) t.is(exports.grow(delta), -1)
          t.is(exports.size(), pages)
        }
      }
      attach(null)
      t.is(exports.size(), 0)
      t.is(exports.grow(2), 0)
      t.is(exports.size(), 2)
      t.is(exports.grow(9), -1)
    })
  }

  test('an active data segment goes to the region that is attached when the instance is made', (t) => {
    const module = (offset: number) =>
      compile(
        tier,
        `(module (import "env" "memory" (memory 0)) (data (i32.const ${offset}) "xyz"))`,
      )
    const guarded = new GuardedRegion(70_001, 20)
    const memory = new WebAssembly.Memory({ host: guarded.region })
    new WebAssembly.Instance(module(69_998), { env: { memory } })
    t.deepEqual([...guarded.bytes.subarray(69_997)], [0, 120, 121, 122])
    guarded.bytes.fill(1)
    for (const offset of [69_999, 70_001, 70_002, 0xffff_ffff]) {
      t.throws(() => new WebAssembly.Instance(module(offset), { env: { memory } }), {
        instanceOf: WebAssembly.RuntimeError,
        message: /data segment 0 is out of bounds/,
      })
    }
    t.true(guarded.bytes.every((byte) => byte === 1))
    t.true(guarded.intact)
  })

  test('a module that declares more pages than the region has does not link', (t) => {
    const memory = new WebAssembly.Memory({ host: new GuardedRegion(2 * pageSize - 1).region })
    const module = (minimum: number) =>
      compile(tier, `(module (import "env" "memory" (memory ${minimum})))`)
    t.notThrows(() => new WebAssembly.Instance(module(1), { env: { memory } }))
    t.throws(() => new WebAssembly.Instance(module(2), { env: { memory } }), {
      instanceOf: WebAssembly.LinkError,
      message: /memory import has 1 pages which is smaller than the declared initial of 2/,
    })
  })
}
