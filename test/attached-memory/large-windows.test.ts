import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'
import { attachBy, ways } from './targets.ts'
import { outOfBounds } from './tier.ts'

const GiB = 2 ** 30

const module = new WebAssembly.Module(
  wat(`(module
    (memory (export "memory") 1)
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "loadWord") (param i32) (result i32) (i32.load (local.get 0)))
    (func (export "loadFar") (param i32) (result i32) (i32.load8_u offset=0x80000000 (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "size") (result i32) memory.size)
    ;; Every stride-th byte, from 0 to the end of the memory.
    (func (export "sum") (param $stride i32) (param $end i64) (result i64)
      (local $at i64) (local $sum i64)
      (loop $next
        (local.set $sum (i64.add (local.get $sum) (i64.load8_u (i32.wrap_i64 (local.get $at)))))
        (local.set $at (i64.add (local.get $at) (i64.extend_i32_u (local.get $stride))))
        (br_if $next (i64.lt_u (local.get $at) (local.get $end))))
      (local.get $sum)))`),
)

for (const way of ways) {
  const attach = attachBy[way]

  for (const length of [2 * GiB, 2 * GiB + 1, 3 * GiB + 12345, 4 * GiB - 1, 4 * GiB]) {
    test(`by ${way}: a window of ${length} bytes`, (t) => {
      // Sparse: only touched pages take memory.
      const region = HostRegion.allocate(length)
      const instance = new WebAssembly.Instance(module)
      attach(instance, region)
      const { load, loadWord, loadFar, store, copy, size, sum } = instance.exports
      t.is(size() >>> 0, Math.floor(length / 65536))
      for (const address of [0, 2 * GiB - 1, length - 1]) {
        store(address, 1 + (address % 200))
        t.is(load(address), 1 + (address % 200))
        t.is(region.subarray(address, address + 1).view(Uint8Array)[0], 1 + (address % 200))
      }
      if (length > 2 * GiB) t.is(loadFar(length - 1 - 2 * GiB), load(length - 1))
      copy(length - 5, length - 1, 1)
      t.is(load(length - 5), load(length - 1))
      t.is(load(length - 4), 0)
      t.throws(() => loadWord(length - 3), outOfBounds)
      if (length < 4 * GiB) {
        t.throws(() => load(length), outOfBounds)
        t.throws(() => load(-1), outOfBounds)
      } else {
        t.is(load(-1), load(length - 1))
      }
      t.throws(() => loadFar(length - 2 * GiB), outOfBounds)
      t.throws(() => copy(length - 2, 0, 3), outOfBounds)
      const stride = 64 << 20
      let expected = 0n
      for (let at = 0; at < length; at += stride) expected += BigInt(load(at))
      t.is(sum(stride, BigInt(length)), expected)
      attach(instance, null)
      region.close()
    })
  }

  test(`by ${way}: windows of 4 GiB slide over a region of 100 GiB`, (t) => {
    const region = HostRegion.allocate(100 * GiB)
    const instance = new WebAssembly.Instance(module)
    for (let start = 1; start + 4 * GiB <= 100 * GiB; start += 7 * GiB) {
      const end = Math.min(start + 4 * GiB, region.byteLength)
      attach(instance, region.subarray(start, end))
      instance.exports.store(-1, start % 251)
      t.is(region.subarray(end - 1, end).view(Uint8Array)[0], start % 251)
    }
    attach(instance, null)
    region.close()
  })
}
