// What both ways to attach have in common, whichever compiler made the code.
import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'
import { attachBy, ways } from './targets.ts'
import { outOfBounds, pageSize } from './tier.ts'

const instantiate = (minimum: number) =>
  new WebAssembly.Instance(
    new WebAssembly.Module(
      wat(`(module (memory (export "memory") ${minimum})
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
        (func (export "fill") (param i32 i32 i32)
          (memory.fill (local.get 0) (local.get 1) (local.get 2)))
        (func (export "size") (result i32) memory.size))`),
    ),
  )

for (const way of ways) {
  const attach = attachBy[way]

  test(`by ${way}: a region below the declared minimum is refused, and nothing changes`, (t) => {
    const instance = instantiate(3)
    const { load, fill } = instance.exports
    fill(9, 99, 1)
    const region = HostRegion.allocate(3 * pageSize)
    region.view(Uint8Array)[9] = 44
    const declaring = {
      instance: 'the module declares for memory 0',
      memory: 'the modules which use the memory declare',
    }[way]
    for (const [before, byte] of [
      [null, 99],
      [region, 44],
    ] as const) {
      attach(instance, before)
      for (const length of [0, 1, pageSize, 3 * pageSize - 1]) {
        t.throws(() => attach(instance, HostRegion.allocate(length)), {
          instanceOf: RangeError,
          message: `region must have at least 196608 bytes (3 pages), the minimum that ${declaring}; got ${length}`,
        })
        t.is(load(9), byte)
      }
    }
  })

  test(`by ${way}: a region beyond the reach of addresses is refused, and nothing changes`, (t) => {
    const instance = instantiate(0)
    const region = HostRegion.allocate(2 ** 32 + 1)
    t.throws(() => attach(instance, region), {
      instanceOf: RangeError,
      message: /^region must have no more bytes than addresses .*4294967296.*got 4294967297/,
    })
    t.is(instance.exports.size(), 0)
    t.notThrows(() => attach(instance, region.subarray(1)))
  })

  test(`by ${way}: an empty region is a memory without bytes`, (t) => {
    const instance = instantiate(0)
    const { load, fill, size } = instance.exports
    const region = HostRegion.allocate(10)
    for (const empty of [HostRegion.allocate(0), region.subarray(5, 5), region.subarray(10)]) {
      attach(instance, empty)
      t.is(size(), 0)
      t.throws(() => load(0), outOfBounds)
      t.notThrows(() => fill(0, 1, 0))
    }
  })
}
