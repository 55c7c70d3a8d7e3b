import test from 'ava'
import { HostRegion } from 'v8-rawmem'
import { type Boundary, divide, type Part } from '../../bindings/workers/parts.ts'

type Range = NonNullable<Part[number]>

function text(content: string): HostRegion {
  const bytes = Buffer.from(content, 'latin1')
  const region = HostRegion.allocate(bytes.length)
  region.view(Uint8Array).set(bytes)
  return region
}

/** Those of one region. */
async function parts(
  region: HostRegion,
  boundary: { recordBytes: number } | { delimiter: number },
  count: number,
): Promise<Range[]> {
  const of: Boundary =
    'recordBytes' in boundary ? { recordBytes: [boundary.recordBytes] } : boundary
  return (await divide([region], of, count, undefined)).map(([range]) => range!)
}

function slices(content: string, found: Range[]): string[] {
  return found.map(({ begin, end }) => content.slice(begin, end))
}

test('parts of records begin at multiples and are about equal', async (t) => {
  using region = HostRegion.allocate(1000)
  t.deepEqual(await parts(region, { recordBytes: 10 }, 3), [
    { begin: 0, end: 330 },
    { begin: 330, end: 660 },
    { begin: 660, end: 1000 },
  ])
  t.deepEqual(await parts(region, { recordBytes: 1 }, 4), [
    { begin: 0, end: 250 },
    { begin: 250, end: 500 },
    { begin: 500, end: 750 },
    { begin: 750, end: 1000 },
  ])
})

test('what is less than a record at the end belongs to the last part', async (t) => {
  using region = HostRegion.allocate(1000)
  t.deepEqual(await parts(region, { recordBytes: 300 }, 3), [
    { begin: 0, end: 300 },
    { begin: 300, end: 600 },
    { begin: 600, end: 1000 },
  ])
})

test('there are no more parts than records', async (t) => {
  using region = HostRegion.allocate(1000)
  t.is((await parts(region, { recordBytes: 400 }, 16)).length, 2)
  t.deepEqual(await parts(region, { recordBytes: 5000 }, 16), [{ begin: 0, end: 1000 }])
})

test('parts of a region beyond what 32 bits count', async (t) => {
  using region = HostRegion.allocate(2 ** 43 + 7)
  t.deepEqual(await parts(region, { recordBytes: 24 }, 2), [
    { begin: 0, end: Math.floor((2 ** 43 + 7) / 24 / 2) * 24 },
    { begin: Math.floor((2 ** 43 + 7) / 24 / 2) * 24, end: 2 ** 43 + 7 },
  ])
})

test('delimited parts begin right after a delimiter', async (t) => {
  const content = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\n'
  using region = text(content)
  for (let count = 1; count <= 40; count++) {
    const found = slices(content, await parts(region, { delimiter: 10 }, count))
    t.is(found.join(''), content)
    t.true(found.length <= Math.min(count, 7))
    t.true(found.every((part) => part.endsWith('\n')))
  }
  t.is((await parts(region, { delimiter: 10 }, 40)).length, 7)
})

test('a part that begins right after a delimiter need not be moved', async (t) => {
  using region = text('abc\nabc\n')
  t.deepEqual(await parts(region, { delimiter: 10 }, 2), [
    { begin: 0, end: 4 },
    { begin: 4, end: 8 },
  ])
})

test('a last line without a delimiter belongs to the last part', async (t) => {
  const content = 'aaaa\nbbbb\ncccc'
  using region = text(content)
  t.deepEqual(slices(content, await parts(region, { delimiter: 10 }, 3)), [
    'aaaa\n',
    'bbbb\n',
    'cccc',
  ])
})

test('one long line, no line, only delimiters, any byte', async (t) => {
  using long = text(`${'x'.repeat(1000)}\ny\n`)
  t.deepEqual(await parts(long, { delimiter: 10 }, 4), [
    { begin: 0, end: 1001 },
    { begin: 1001, end: 1003 },
  ])
  using none = text('x'.repeat(1000))
  t.deepEqual(await parts(none, { delimiter: 10 }, 4), [{ begin: 0, end: 1000 }])
  using only = text('\xff'.repeat(4))
  t.is((await parts(only, { delimiter: 255 }, 4)).length, 4)
})

test('a delimiter that is far away is found, across the steps of the search', async (t) => {
  using region = HostRegion.allocate(2 ** 27)
  const at = 2 ** 26 + 40_000_001
  region.view(Uint8Array, at, 1)[0] = 7
  t.deepEqual(await parts(region, { delimiter: 7 }, 2), [
    { begin: 0, end: at + 1 },
    { begin: at + 1, end: 2 ** 27 },
  ])
})

test('a search is stopped by the signal', async (t) => {
  using region = HostRegion.allocate(2 ** 30)
  const controller = new AbortController()
  setImmediate(() => controller.abort(new Error('enough')))
  await t.throwsAsync(divide([region], { delimiter: 7 }, 2, controller.signal), {
    message: 'enough',
  })
})

test('an empty region is one empty part', async (t) => {
  using region = HostRegion.allocate(0)
  for (const boundary of [{ recordBytes: 8 }, { delimiter: 10 }]) {
    t.deepEqual(await parts(region, boundary, 4), [{ begin: 0, end: 0 }])
  }
})

test('a part of a borrowed SharedArrayBuffer is searched where it lies', async (t) => {
  const source = new Uint8Array(new SharedArrayBuffer(20)).fill(10)
  source.set(Buffer.from('ab\ncdefg\nh'), 5)
  using region = HostRegion.from(source.subarray(5, 15))
  t.deepEqual(await parts(region, { delimiter: 10 }, 2), [
    { begin: 0, end: 9 },
    { begin: 9, end: 10 },
  ])
})

test('columns are divided at the same records', async (t) => {
  using prices = HostRegion.allocate(8000)
  using volumes = HostRegion.allocate(4003)
  using names = HostRegion.allocate(77)
  const recordBytes = [8, null, 4, null]
  t.deepEqual(await divide([prices, null, volumes, names], { recordBytes }, 3, undefined), [
    [{ begin: 0, end: 2664 }, null, { begin: 0, end: 1332 }, { begin: 0, end: 77 }],
    [{ begin: 2664, end: 5328 }, null, { begin: 1332, end: 2664 }, { begin: 0, end: 77 }],
    [{ begin: 5328, end: 8000 }, null, { begin: 2664, end: 4003 }, { begin: 0, end: 77 }],
  ])
})

test('columns of different numbers of records are not divided', async (t) => {
  using prices = HostRegion.allocate(8000)
  using volumes = HostRegion.allocate(4004)
  await t.throwsAsync(divide([prices, volumes], { recordBytes: [8, 4] }, 2, undefined), {
    instanceOf: RangeError,
    message:
      /^recordBytes: .* they have 1000 of 8 bytes, 1001 of 4 bytes\. Give the bytes of a record for each region/,
  })
})

test('where nothing is to be divided, there is one part', async (t) => {
  using table = HostRegion.allocate(100)
  t.deepEqual(await divide([null, table], { recordBytes: [null, null] }, 4, undefined), [
    [null, { begin: 0, end: 100 }],
  ])
})
