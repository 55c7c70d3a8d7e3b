import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { aligned } from '../support/alignment.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { mappingOf } from './mapped-bytes.ts'

test('memory that something else mapped, by its address', (t) => {
  const path = temporaryFile(t, patternBytes(10_000))
  using file = HostRegion.mapFile(path, { writable: true })
  const { begin } = mappingOf(path)!
  const offset = aligned(13)
  const length = 10_000 - offset
  for (const address of [begin + BigInt(offset), Number(begin) + offset]) {
    const region = HostRegion.at(address, length)
    t.is(region.byteLength, length)
    t.deepEqual(region.view(Uint8Array), file.view(Uint8Array, offset))
    region.view(Uint8Array)[length - 1] = 123
    t.is(file.view(Uint8Array)[9999], 123)
    const { buffer } = region
    region.close()
    t.is(buffer.byteLength, 0)
    // The memory is not the region's: closing left it mapped.
    t.is(file.view(Uint8Array)[9999], 123)
  }
})

for (const address of [0, -8, 1.5, Number.NaN, 2 ** 53, 0n, -1n, 2n ** 64n]) {
  test(`address ${address}${typeof address === 'bigint' ? 'n' : ''} is out of range`, (t) => {
    t.throws(() => HostRegion.at(address, 1), {
      instanceOf: RangeError,
      message: /^at: address must be .*from 1 to 2\^64 - 1.*; got /,
    })
  })
}

for (const address of ['4096', null, undefined, {}]) {
  test(`address ${JSON.stringify(address)} is refused`, (t) => {
    t.throws(() => HostRegion.at(address as unknown as number, 1), {
      instanceOf: TypeError,
      message: /^at: address must be a bigint or a number, from 1 to 2\^64 - 1; got /,
    })
  })
}

test('a bad length, or an end beyond the address space', (t) => {
  for (const byteLength of [-1, 0.5, Number.NaN, 2 ** 47 + 1]) {
    t.throws(() => HostRegion.at(4096n, byteLength), {
      instanceOf: RangeError,
      message: `at: byteLength must be an integer from 0 to 140737488355328; got ${byteLength}`,
    })
  }
  t.throws(() => HostRegion.at(4096n, 1n as unknown as number), { instanceOf: TypeError })
  t.throws(() => HostRegion.at(2n ** 64n - 16n, 17), {
    instanceOf: RangeError,
    message: 'at: byteLength must leave the end below 2^64, at most 16 here; got 17',
  })
})
