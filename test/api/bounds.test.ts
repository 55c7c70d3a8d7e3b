import test from 'ava'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const pageSize = 65536

// Loads and stores of every width, with and without an offset in the instruction.
const accesses = [
  ['i32.load8_u', 'i32.store8', 1, 'i32'],
  ['i32.load16_u', 'i32.store16', 2, 'i32'],
  ['i32.load', 'i32.store', 4, 'i32'],
  ['i64.load', 'i64.store', 8, 'i64'],
  ['f64.load', 'f64.store', 8, 'f64'],
] as const

const module = new WebAssembly.Module(
  wat(`(module
    (memory 1)
    ${accesses
      .map(
        ([load, store, , type]) => `
          (func (export "${load}") (param i32) (drop (${load} (local.get 0))))
          (func (export "${load}+9") (param i32) (drop (${load} offset=9 (local.get 0))))
          (func (export "${store}") (param i32) (${store} (local.get 0) (${type}.const 0)))
          (func (export "${store}+9") (param i32) (${store} offset=9 (local.get 0) (${type}.const 0)))`,
      )
      .join('')}
    (func (export "v128.load") (param i32) (drop (v128.load (local.get 0))))
    (func (export "v128.store") (param i32) (v128.store (local.get 0) (v128.const i64x2 0 0)))
    (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "setByte") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "loop") (param $from i32) (param $to i32) (result i32)
      (local $sum i32)
      (loop $next
        (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $from))))
        (br_if $next (i32.lt_u (local.tee $from (i32.add (local.get $from) (i32.const 1))) (local.get $to))))
      (local.get $sum)))`),
)

const outOfBounds = { instanceOf: WebAssembly.RuntimeError, message: 'memory access out of bounds' }

const functions: [string, number, number][] = [
  ...accesses.flatMap(([load, store, width]): [string, number, number][] => [
    [load, width, 0],
    [`${load}+9`, width, 9],
    [store, width, 0],
    [`${store}+9`, width, 9],
  ]),
  ['v128.load', 16, 0],
  ['v128.store', 16, 0],
]

for (const tiering of ['optimize', 'baseline'] as const) {
  const compiled =
    tiering === 'optimize'
      ? module
      : new WebAssembly.Module(
          wat(
            '(module (memory 1) (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0))))',
          ),
          {
            tiering,
          },
        )

  for (const [length, offset] of [
    [pageSize, 0],
    [pageSize + 1, 1],
    [pageSize + 4095, 3],
    [2 * pageSize - 1, 4097],
    [2 * pageSize + 7, 13],
    [1_000_003, 999],
  ] as const) {
    test(`the last of ${length} bytes at offset ${offset} is there, the next one is not (${tiering})`, (t) => {
      const whole = HostRegion.allocate(length + 2 * 8192)
      const bytes = whole.view(Uint8Array)
      bytes.fill(0xa5)
      const region = whole.subarray(offset, offset + length)
      const instance = new WebAssembly.Instance(compiled)
      setWasmInstanceRawMemory(instance, region)
      const exports = instance.exports
      bytes[offset] = 11
      bytes[offset + length - 1] = 22
      t.is(exports.byte(0), 11)
      t.is(exports.byte(length - 1), 22)
      for (const address of [length, length + 1, length + pageSize, 2 ** 31, -1]) {
        t.throws(() => exports.byte(address), outOfBounds)
      }
      if (tiering === 'baseline') return
      for (const [name, width, immediate] of functions) {
        const last = length - width - immediate
        t.notThrows(() => exports[name](last), `${name} at ${last}`)
        for (const beyond of [last + 1, length - 1 - immediate + 1, length, -1, -width]) {
          t.throws(() => exports[name](beyond), outOfBounds, `${name} at ${beyond}`)
        }
      }
      exports.setByte(0, 33)
      exports.setByte(length - 1, 44)
      t.is(bytes[offset], 33)
      t.is(bytes[offset + length - 1], 44)
      // Nothing outside was touched.
      t.true(bytes.subarray(0, offset).every((byte) => byte === 0xa5))
      t.true(bytes.subarray(offset + length).every((byte) => byte === 0xa5))
      // A loop that runs over the end.
      bytes.fill(1)
      t.is(exports.loop(0, length), length)
      t.throws(() => exports.loop(length - 10, length + 1), outOfBounds)
    })
  }
}

test('a constant address below the declared minimum is always there, one above it is checked', (t) => {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module (memory 1)
        (func (export "below") (result i32) (i32.load8_u (i32.const 65535)))
        (func (export "above") (result i32) (i32.load8_u (i32.const 65536)))
        (func (export "wayAbove") (result i32) (i32.load8_u offset=0xfffffff0 (i32.const 15))))`),
    ),
  )
  const region = HostRegion.allocate(pageSize + 1)
  region.view(Uint8Array)[pageSize - 1] = 1
  region.view(Uint8Array)[pageSize] = 2
  setWasmInstanceRawMemory(instance, region.subarray(0, pageSize))
  t.is(instance.exports.below(), 1)
  t.throws(() => instance.exports.above(), outOfBounds)
  setWasmInstanceRawMemory(instance, region)
  t.is(instance.exports.above(), 2)
  t.throws(() => instance.exports.wayAbove(), outOfBounds)
})

test('the declared maximum is no limit for a region', (t) => {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module (memory 1 1)
        (func (export "byte") (param i32) (result i32) (i32.load8_u (local.get 0))))`),
    ),
  )
  const region = HostRegion.allocate(10 * pageSize)
  region.view(Uint8Array)[10 * pageSize - 1] = 9
  setWasmInstanceRawMemory(instance, region)
  t.is(instance.exports.byte(10 * pageSize - 1), 9)
  t.throws(() => instance.exports.byte(10 * pageSize), outOfBounds)
})
