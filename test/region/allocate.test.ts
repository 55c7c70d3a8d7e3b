import { readdirSync, readlinkSync, truncateSync } from 'node:fs'
import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { residentBytes } from './mapped-bytes.ts'

const KiB = 2 ** 10
const GiB = 2 ** 30
const TiB = 2 ** 40

for (const byteLength of [1, 7, 4095, 4096, 4097, 65_537, 1_000_003]) {
  test(`${byteLength} new bytes are zero, and writable at both ends`, (t) => {
    using region = HostRegion.allocate(byteLength)
    t.is(region.byteLength, byteLength)
    const bytes = new Uint8Array(region.buffer)
    t.is(bytes.length, byteLength)
    t.true(bytes.every((byte) => byte === 0))
    bytes[0] = 1
    bytes[byteLength - 1] = 255
    t.is(region.view(DataView).getUint8(byteLength - 1), 255)
  })
}

test('an empty region has a buffer, parts and an end', (t) => {
  const region = HostRegion.allocate(0)
  t.is(region.byteLength, 0)
  t.is(region.buffer.byteLength, 0)
  t.is(region.subarray(0, 10).byteLength, 0)
  t.is(region.view(Float64Array).length, 0)
  region.close()
  t.true(region.closed)
})

test('64 GiB cost what is touched', (t) => {
  using region = HostRegion.allocate(64 * GiB)
  const before = residentBytes()
  // Odd places, across the 4 GiB lines, the last byte included.
  const places = [0, 4 * GiB - 1, 4 * GiB, 33 * GiB + 12_345, 64 * GiB - 1]
  places.forEach((place, i) => {
    region.subarray(place, place + 1).view(Uint8Array)[0] = i + 1
  })
  places.forEach((place, i) => {
    t.is(region.view(Uint8Array, place, 1)[0], i + 1)
  })
  t.is(region.subarray(-1).view(Uint8Array)[0], places.length)
  t.true(residentBytes() - before < 256 * 2 ** 20)
})

test('1 TiB can be reserved, and read at its very end', (t) => {
  using region = HostRegion.allocate(TiB)
  t.is(region.byteLength, TiB)
  const tail = region.subarray(-5)
  t.is(tail.byteLength, 5)
  const bytes = tail.view(Uint8Array)
  t.deepEqual([...bytes], [0, 0, 0, 0, 0])
  bytes[4] = 9
  t.is(region.subarray(TiB - 1, TiB).view(Uint8Array)[0], 9)
})

test('each region has memory of its own', (t) => {
  const regions = Array.from({ length: 50 }, () => HostRegion.allocate(64 * KiB + 1))
  regions.forEach((region, i) => {
    region.view(Uint8Array).fill(i)
  })
  regions.forEach((region, i) => {
    t.true(region.view(Uint8Array).every((byte) => byte === i))
    region.close()
  })
})

test('more than the address space holds is an error with code and system call', (t) => {
  const error = t.throws<NodeJS.ErrnoException>(() => HostRegion.allocate(2 ** 47))
  t.is(error.code, 'ENOMEM')
  t.is(error.syscall, 'mmap')
  t.is(error.errno, -12)
  t.regex(error.message, /^ENOMEM: no room for 140737488355328 bytes .*, mmap$/)
})

for (const byteLength of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 47 + 1, 2 ** 53]) {
  test(`byteLength ${byteLength} is out of range`, (t) => {
    t.throws(() => HostRegion.allocate(byteLength), {
      instanceOf: RangeError,
      message: `allocate: byteLength must be an integer from 0 to 140737488355328; got ${byteLength}`,
    })
  })
}

for (const byteLength of ['16', 16n, null, undefined, {}, [], Symbol('size'), () => 16]) {
  test(`byteLength of type ${byteLength === null ? 'null' : typeof byteLength} (${String(byteLength)}) is refused`, (t) => {
    t.throws(() => HostRegion.allocate(byteLength as number), {
      instanceOf: TypeError,
      message: /^allocate: byteLength must be a number, an integer from 0 to 140737488355328; got /,
    })
  })
}

test('a value that shows itself by its own code is not asked to', (t) => {
  const hostile = {
    [Symbol.toPrimitive]: () => t.fail(),
    [Symbol.for('nodejs.util.inspect.custom')]: () => t.fail(),
    toString: () => t.fail(),
  }
  t.throws(() => HostRegion.allocate(hostile as unknown as number), { instanceOf: TypeError })
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  t.throws(() => HostRegion.allocate(proxy as unknown as number), { instanceOf: TypeError })
})

test('there is no public constructor', (t) => {
  const Constructor = HostRegion as unknown as new (...values: unknown[]) => unknown
  t.throws(() => new Constructor(), { instanceOf: TypeError, message: /HostRegion\.allocate/ })
  t.throws(() => new Constructor(Symbol('HostRegion'), {}, 0, 1, true), { instanceOf: TypeError })
})

/** Descriptors of memory that has a file's ways. */
function memoryDescriptors(): string[] {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('/memfd:')
    } catch {
      // It was open while the folder was read.
      return false
    }
  })
}

test('the pages of a shareable region cannot be cut short by a path to them', (t) => {
  const before = memoryDescriptors()
  using region = HostRegion.allocate(100_000, { shareable: true })
  region.view(Uint8Array).fill(7)
  const paths = memoryDescriptors()
    .filter((descriptor) => !before.includes(descriptor))
    .map((descriptor) => `/proc/self/fd/${descriptor}`)
  t.is(paths.length, 1)
  for (const length of [0, 4096, 200_000]) {
    t.throws(() => truncateSync(paths[0] as string, length), { code: 'EPERM' })
  }
  t.true(region.view(Uint8Array).every((byte) => byte === 7))
})
