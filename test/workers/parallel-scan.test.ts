import { getEventListeners } from 'node:events'
import { availableParallelism } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { HostRegion, parallelScan } from 'v8-rawmem'
import { mappingOf } from '../region/mapped-bytes.ts'
import { patternBytes, temporaryFile } from '../support/temporary-file.ts'
import { countPorts } from './active-resources.ts'
import { describe, endless, firstWindow, increment, sumBytes } from './programs.ts'

const { RuntimeError } = (
  globalThis as unknown as { WebAssembly: { RuntimeError: ErrorConstructor } }
).WebAssembly

/** Bytes below 255, so that sumBytes goes through. */
const content = patternBytes(1_000_000).map((byte) => byte % 255)
const total = BigInt(content.reduce((sum, byte) => sum + byte, 0))

const sum = (parts: bigint[]) => parts.reduce((a, b) => a + b, 0n)

function allocated(bytes: Uint8Array): HostRegion {
  const region = HostRegion.allocate(bytes.length)
  region.view(Uint8Array).set(bytes)
  return region
}

test('all workers together scan an allocation, a file map and a SharedArrayBuffer', async (t) => {
  const shared = new Uint8Array(new SharedArrayBuffer(content.length))
  shared.set(content)
  const path = temporaryFile(t, content)
  for (const region of [allocated(content), HostRegion.mapFile(path), HostRegion.from(shared)]) {
    t.is(await parallelScan(sumBytes, region, { workers: 2, merge: sum }), total)
    region.close()
  }
  t.falsy(mappingOf(path))
})

test('results come in the order of the parts, each over its own bytes', async (t) => {
  using region = allocated(content)
  const seen: unknown[] = []
  const results = await parallelScan<number[]>(describe, region, {
    workers: 3,
    recordBytes: 1000,
    windowSize: 100_000,
    onProgress: (progress) => seen.push(progress),
  })
  t.deepEqual(results, [
    [333_000, 4, content[0]!, content[332_999]!],
    [333_000, 4, content[333_000]!, content[665_999]!],
    [334_000, 4, content[666_000]!, content[999_999]!],
  ])
  t.deepEqual(seen.at(-1), { position: 1_000_000, byteLength: 1_000_000, windows: 12 })
})

test('parts begin after a delimiter', async (t) => {
  const lines = Buffer.from('a first line\nb\nc third line, the longest of all\nd')
  using region = allocated(lines)
  const results = await parallelScan<number[]>(describe, region, { workers: 2, delimiter: '\n' })
  const second = lines.lastIndexOf('\n') + 1
  t.deepEqual(results, [
    [second, 1, lines[0]!, 10],
    [lines.length - second, 1, lines[second]!, lines.at(-1)!],
  ])
})

test('by default there are as many workers as processors, at boundaries of 64 KiB', async (t) => {
  using region = HostRegion.allocate(65536 * 64 + 5)
  const results = await parallelScan<number[]>(describe, region)
  t.is(results.length, Math.min(availableParallelism(), 64))
  const lengths = results.map(([bytes]) => bytes!)
  t.true(lengths.slice(0, -1).every((length) => length % 65536 === 0))
  t.is(
    lengths.reduce((a, b) => a + b),
    65536 * 64 + 5,
  )
})

test('there are no more workers than parts, and one for an empty region', async (t) => {
  using region = allocated(new Uint8Array([5, 6, 7]))
  t.deepEqual(await parallelScan(describe, region, { workers: 64, recordBytes: 2 }), [[3, 1, 5, 7]])
  t.deepEqual(await parallelScan(describe, region.subarray(1, 1), { workers: 64 }), [[0, 0, -1, 0]])
})

test('windows have whole records, unless their size is given', async (t) => {
  using region = HostRegion.allocate(2 ** 32 + 2 ** 20)
  const first = async (options: object) => {
    const [length] = await parallelScan<number>(firstWindow, region, { workers: 1, ...options })
    return length! >>> 0
  }
  t.is(await first({ recordBytes: 100_000_007 }), 42 * 100_000_007)
  t.is(await first({ recordBytes: 1000, windowSize: 1_000_001 }), 1_000_001)
  // A window cannot hold a single record: those that straddle are the program's affair.
  t.is(await first({ recordBytes: 2 ** 32 }), 2 ** 32 - 65536)
})

test('results are stored in place by all workers', async (t) => {
  const path = temporaryFile(t, content)
  using region = HostRegion.mapFile(path, { writable: true })
  await parallelScan(increment, region, { workers: 2, writable: true, windowSize: 65536 })
  t.deepEqual(
    region.view(Uint8Array),
    content.map((byte) => byte + 1),
  )
})

test('merge may be asynchronous, and what it throws is passed on', async (t) => {
  using region = allocated(content)
  const merged = await parallelScan(sumBytes, region, {
    workers: 2,
    merge: async (sums: bigint[]) => {
      await sleep(1)
      return `${sum(sums)}`
    },
  })
  t.is(merged, String(total))
  const wrong = new Error('no such sum')
  await t.throwsAsync(
    parallelScan(sumBytes, region, {
      workers: 1,
      merge: () => {
        throw wrong
      },
    }),
    { is: wrong },
  )
})

test.serial(
  'a trap in one worker stops the others, that never end, and leaves nothing',
  async (t) => {
    const bytes = new Uint8Array(300)
    bytes[100] = 255
    const path = temporaryFile(t, bytes)
    const region = HostRegion.mapFile(path)
    const controller = new AbortController()
    const noMorePorts = countPorts()
    const error = await t.throwsAsync(
      parallelScan(endless, region, {
        workers: 3,
        recordBytes: 100,
        signal: controller.signal,
        onProgress: () => {},
        merge: () => t.fail('there are no results to merge'),
      }),
      { instanceOf: RuntimeError, message: 'unreachable' },
    )
    t.regex(error.stack!, /at .*wasm/)
    region.close()
    t.falsy(mappingOf(path))
    t.is(getEventListeners(controller.signal, 'abort').length, 0)
    t.true(await noMorePorts())
  },
)

test('aborting ends all workers and rejects with the reason', async (t) => {
  const path = temporaryFile(t, new Uint8Array(200))
  const region = HostRegion.mapFile(path)
  const controller = new AbortController()
  let windows = 0
  const running = parallelScan(endless, region, {
    workers: 2,
    recordBytes: 100,
    signal: controller.signal,
    onProgress: (progress) => {
      windows = progress.windows
      if (windows === 2) controller.abort('enough')
    },
  })
  t.is(await running.catch((error) => error), 'enough')
  t.is(windows, 2)
  region.close()
  t.falsy(mappingOf(path))
})

test('options are checked, and name what is wrong', async (t) => {
  using region = allocated(content)
  const wrong: [object, ErrorConstructor, RegExp][] = [
    [{ workers: 0 }, RangeError, /^workers must be an integer from 1 to 1024; got 0$/],
    [{ workers: 1.5 }, RangeError, /^workers/],
    [{ workers: '2' }, TypeError, /^workers must be a number/],
    [{ recordBytes: 0 }, RangeError, /^recordBytes/],
    [{ recordBytes: 10n }, TypeError, /^recordBytes/],
    [{ recordBytes: 8, delimiter: 10 }, TypeError, /exclude each other/],
    [{ delimiter: 256 }, RangeError, /^delimiter/],
    [{ delimiter: '' }, TypeError, /^delimiter must be one byte/],
    [{ delimiter: '\r\n' }, TypeError, /^delimiter must be one byte/],
    [{ delimiter: '€' }, TypeError, /^delimiter must be one byte/],
    [{ merge: 'sum' }, TypeError, /^merge must be a function/],
    [{ export: 'nothing' }, TypeError, /^export: .*its functions are: run/],
  ]
  for (const [options, instanceOf, message] of wrong) {
    await t.throwsAsync(parallelScan(sumBytes, region, options), { instanceOf, message })
  }
})
