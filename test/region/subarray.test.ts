import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { bufferAlignment } from '../support/alignment.ts'

const GiB = 2 ** 30

/** 0..255 at places 0..255, so that a part's bytes tell where it lies. */
function numbered(): HostRegion<ArrayBuffer> {
  const region = HostRegion.allocate(256)
  region.view(Uint8Array).forEach((_, i, bytes) => {
    bytes[i] = i
  })
  return region
}

const bounds: (readonly [begin?: number | undefined, end?: number | undefined])[] = [
  [],
  [0],
  [10],
  [10, 20],
  [20, 10],
  [-10],
  [-10, -3],
  [-1000, 5],
  [250, 1000],
  [256],
  [300, 400],
  [3.9, 7.9],
  [-3.9],
  [Number.NaN, 4],
  [-0, 4],
  [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY],
  [2 ** 53, 2 ** 53],
  [-(2 ** 53), 2 ** 53],
  [0, Number.MAX_VALUE],
  [undefined, 9],
  [9, undefined],
]

for (const [begin, end] of bounds) {
  test(`subarray(${begin}, ${end}) is what it is for typed arrays`, (t) => {
    using region = numbered()
    const expected = region.view(Uint8Array).subarray(begin, end)
    const part = region.subarray(begin, end)
    t.is(part.byteLength, expected.length)
    t.deepEqual([...part.view(Uint8Array)], [...expected])
    if (expected.byteOffset % bufferAlignment !== 0) t.throws(() => part.buffer)
    else t.deepEqual([...new Uint8Array(part.buffer)], [...expected])
  })
}

test('parts of parts, all over the same bytes', (t) => {
  using region = numbered()
  const part = region.subarray(100, 200).subarray(-50).subarray(1, -1)
  t.is(part.byteLength, 48)
  t.is(part.view(Uint8Array)[0], 151)
  part.view(Uint8Array)[0] = 7
  t.is(region.view(Uint8Array)[151], 7)
  t.is(region.subarray(151).view(Uint8Array)[0], 7)
})

test('bounds that are no numbers are refused', (t) => {
  using region = numbered()
  for (const value of ['1', 1n, null, {}, Symbol('begin')]) {
    t.throws(() => region.subarray(value as number), {
      instanceOf: TypeError,
      message: /^subarray: begin must be a number or undefined; got /,
    })
    t.throws(() => region.subarray(0, value as number), {
      instanceOf: TypeError,
      message: /^subarray: end must be a number or undefined; got /,
    })
  }
})

test('buffer is the same ArrayBuffer every time, and each part has its own', (t) => {
  using region = numbered()
  const part = region.subarray(8, 15)
  t.is(region.buffer, region.buffer)
  t.is(part.buffer, part.buffer)
  t.not(part.buffer, region.buffer as ArrayBuffer)
  t.is(part.buffer.byteLength, 7)
  new Uint8Array(part.buffer)[6] = 200
  t.is(new Uint8Array(region.buffer)[14], 200)
})

test('unaligned parts take wide views', (t) => {
  using region = HostRegion.allocate(8 * 1000 + 3)
  if (bufferAlignment > 1) {
    t.throws(() => region.subarray(3).view(Float64Array), { instanceOf: RangeError })
    return
  }
  const doubles = region.subarray(3).view(Float64Array)
  t.is(doubles.length, 1000)
  doubles.forEach((_, i) => {
    doubles[i] = 1000 - i
  })
  doubles.sort()
  t.is(doubles[999], 1000)
  t.is(doubles.indexOf(500), 499)
  doubles.fill(0.5)
  doubles.copyWithin(1, 0, 500)
  t.is(region.view(DataView).getFloat64(3 + 8 * 999, true), 0.5)
  const integers = new BigInt64Array(region.subarray(1, 17).buffer)
  t.is(Atomics.add(integers, 1, 5n) + 5n, integers[1]!)
})

test('where Atomics need alignment, an ArrayBuffer begins at a multiple of 8', (t) => {
  using region = HostRegion.allocate(64)
  const part = region.subarray(4)
  if (bufferAlignment > 1) {
    const message = /must begin at an address that is a mult/
    t.throws(() => part.buffer, { instanceOf: RangeError, message })
    t.throws(() => region.view(BigInt64Array, 4), { instanceOf: RangeError })
    t.is(part.view(Uint8Array).byteOffset, 4)
  } else {
    t.is(part.buffer.byteLength, 60)
  }
  t.is(region.view(Int32Array, 4).length, 15)
  t.is(region.subarray(8).view(BigInt64Array).length, 7)
})

test('view: class, offset and length', (t) => {
  using region = numbered()
  t.is(region.view(Uint8Array).length, 256)
  t.is(region.view(Float64Array, 248).length, 1)
  t.is(region.view(Uint16Array, 250, 2)[1], 252 + 253 * 256)
  t.is(region.view(DataView, 255).byteLength, 1)
  t.is(region.view(Uint8Array, 256).length, 0)
  if (bufferAlignment > 1) t.throws(() => region.view(Uint32Array, 1), { instanceOf: RangeError })
  else {
    t.is(region.subarray(1).view(Float64Array).length, 31)
    t.is(region.view(Uint32Array, 1)[0], 0x04030201)
  }
})

test('view: what does not lie inside is out of range', (t) => {
  using region = numbered()
  const refused = (call: () => unknown, message: string | RegExp) =>
    t.throws(call, { instanceOf: RangeError, message })
  refused(
    () => region.view(Uint8Array, 257),
    'view: byteOffset must be an integer from 0 to 256; got 257',
  )
  refused(
    () => region.view(Uint8Array, -1),
    'view: byteOffset must be an integer from 0 to 256; got -1',
  )
  refused(
    () => region.view(Float64Array, 248, 2),
    'view: length must be an integer from 0 to 1; got 2',
  )
  refused(
    () => region.view(Float64Array, 0, Number.NaN),
    'view: length must be an integer from 0 to 32; got NaN',
  )
  refused(() => HostRegion.from(new ArrayBuffer(16)).view(Float64Array, 1), /multiple of 8/)
})

test('view: arguments of the wrong type', (t) => {
  using region = numbered()
  for (const type of [undefined, null, {}, 'Uint8Array', 8]) {
    t.throws(() => region.view(type as unknown as Uint8ArrayConstructor), {
      instanceOf: TypeError,
      message: /^view: type must be a typed array class or DataView; got /,
    })
  }
  t.throws(() => region.view(Uint8Array, '1' as unknown as number), { instanceOf: TypeError })
  t.throws(() => region.view(Uint8Array, 0, 1n as unknown as number), { instanceOf: TypeError })
})

test('a region larger than an ArrayBuffer may be shows its parts', (t) => {
  using region = HostRegion.allocate(20 * GiB)
  const inside = region.subarray(9 * GiB + 8, 9 * GiB + 16)
  inside.view(Uint8Array).fill(3)
  t.is(region.view(BigUint64Array, 9 * GiB + 8, 1)[0], 0x0303030303030303n)
  const whole4 = region.subarray(16 * GiB)
  t.is(whole4.buffer.byteLength, 4 * GiB)
  whole4.view(Uint8Array)[4 * GiB - 1] = 1
  t.is(region.subarray(-1).view(Uint8Array)[0], 1)
})

test('buffer: more than an ArrayBuffer may hold is a RangeError', async (t) => {
  const { constants } = await import('node:buffer')
  if (constants.MAX_LENGTH >= 2 ** 47) {
    // This Node takes any region whole.
    using region = HostRegion.allocate(2 ** 40)
    t.is(region.buffer.byteLength, 2 ** 40)
    return
  }
  using region = HostRegion.allocate(constants.MAX_LENGTH + 1)
  t.throws(() => region.buffer, {
    instanceOf: RangeError,
    message: `buffer: the region has ${constants.MAX_LENGTH + 1} bytes, an ArrayBuffer may have 0 to ${constants.MAX_LENGTH}; use subarray(begin, end).buffer`,
  })
  t.throws(() => region.view(Uint8Array), { instanceOf: RangeError })
  t.is(region.subarray(1).buffer.byteLength, constants.MAX_LENGTH)
})

test('shows itself by name', (t) => {
  using region = numbered()
  t.is(Object.prototype.toString.call(region), '[object HostRegion]')
})

test('a view that lies about its place makes no part of what its region does not have', (t) => {
  const region = HostRegion.allocate(64)
  const part = region.subarray(16, 48)
  for (const lie of [{ byteOffset: -16 }, { byteOffset: 40 }, { byteLength: 33 }]) {
    const view = Object.defineProperties(
      part.view(Uint8Array),
      Object.getOwnPropertyDescriptors(lie),
    )
    t.throws(() => HostRegion.from(view), { instanceOf: RangeError })
  }
  const buffer = Object.defineProperty(region.buffer, 'byteLength', { value: 65 })
  t.throws(() => HostRegion.from(buffer), { instanceOf: RangeError })
})

test('a part made from the buffer of a part ends alone', (t) => {
  const region = HostRegion.allocate(64)
  region.view(Uint8Array)[20] = 5
  const part = region.subarray(16, 48)
  const again = HostRegion.from(part.view(Uint8Array, 4, 8))
  part.close()
  t.deepEqual([again.byteLength, again.view(Uint8Array)[0]], [8, 5])
  again.close()
  t.deepEqual([region.closed, region.view(Uint8Array)[20]], [false, 5])
  region.close()
})
