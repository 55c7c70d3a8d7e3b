import { closeSync, ftruncateSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ChunkFeeder, type ChunkFeederOptions, HostRegion, WebAssembly } from 'v8-rawmem'
import { patternBytes, temporaryFile, temporaryFolder } from '../support/temporary-file.ts'
import { compile, hashOf, reader, stepper } from './programs.ts'

const KiB = 1024
const MiB = 1024 * KiB
const pageSize = 4096

/** Bytes of this file that are mapped into this process and in RAM. */
function residentBytesOf(path: string): number {
  let resident = 0
  let isOurs = false
  for (const line of readFileSync('/proc/self/smaps', 'utf8').split('\n')) {
    if (/^[0-9a-f]+-/.test(line)) isOurs = line.endsWith(path)
    else if (isOurs && line.startsWith('Rss:')) resident += Number.parseInt(line.slice(4), 10) * KiB
  }
  return resident
}

/** A file of `size` bytes, all in the page cache: the system maps in what is there without waiting. */
function largeFile(t: ExecutionContext, size: number): string {
  const path = join(temporaryFolder(t), 'large.bin')
  const block = new Uint8Array(MiB)
  const fd = openSync(path, 'w')
  for (let at = 0; at < size; at += MiB) {
    block.fill(at / MiB + 1)
    writeSync(fd, block, 0, Math.min(MiB, size - at))
  }
  closeSync(fd)
  return path
}

/** Touches each page of each window; stores where `storing`. */
const toucher = (storing: boolean) =>
  compile(`(module
    (import "env" "next" (func $next (result i32)))
    (import "env" "seen" (func $seen))
    (memory 0)
    (func (export "run") (result i32) (local $sum i32) (local $length i32) (local $at i32)
      (block $end
        (loop $window
          (br_if $end (i32.eqz (local.tee $length (call $next))))
          (local.set $at (i32.const 0))
          (loop $page
            (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
            ${storing ? '(i32.store8 (local.get $at) (i32.const 255))' : ''}
            (br_if $page (i32.lt_u
              (local.tee $at (i32.add (local.get $at) (i32.const ${pageSize}))) (local.get $length))))
          (call $seen)
          (br $window)))
      (local.get $sum)))`)

const size = 96 * MiB
const windowSize = 4 * MiB

/** The largest resident set at the end of a window, and that at the end. */
function stream(
  path: string,
  options: ChunkFeederOptions,
  { storing = false, mapWritable = false, subarray = [0, size] as const } = {},
): { peak: number; after: number; sum: number } {
  using region = HostRegion.mapFile(path, { writable: mapWritable })
  using feeder = new ChunkFeeder(region.subarray(...subarray), { windowSize, ...options })
  let peak = 0
  let windows = 0
  // Looking takes milliseconds.
  const lookEvery = Math.max(1, MiB / (options.windowSize ?? windowSize))
  const { exports } = new WebAssembly.Instance(toucher(storing), {
    env: {
      next: feeder.next,
      seen: () => {
        if (++windows % lookEvery === 0) peak = Math.max(peak, residentBytesOf(path))
      },
    },
  })
  const sum: number = exports.run()
  return { peak, after: residentBytesOf(path), sum }
}

let expectedSum = 0
for (let i = 0; i < size / MiB; ++i) expectedSum += ((i + 1) % 256) * (MiB / pageSize)

test.serial('a file much larger than a window streams through a bounded resident set', (t) => {
  const path = largeFile(t, size)
  for (const mapWritable of [false, true]) {
    const { peak, after, sum } = stream(path, {}, { mapWritable })
    t.is(sum, expectedSum)
    t.true(peak >= windowSize / 2, `${peak} bytes at most: nothing was measured`)
    t.true(peak < 2 * windowSize, `${peak / MiB} MiB at most`)
    t.true(after < MiB, `${after / MiB} MiB stay`)
  }
})

test.serial('small windows are released in strides, and still all of them', (t) => {
  const path = largeFile(t, size)
  const { peak, after, sum } = stream(path, { windowSize: 64 * KiB })
  t.is(sum, expectedSum)
  t.true(peak < 4 * MiB, `${peak / MiB} MiB at most`)
  t.true(after < MiB, `${after / MiB} MiB stay`)
})

test.serial('without release the resident set grows with the file', (t) => {
  const path = largeFile(t, size)
  const { peak, sum } = stream(path, { release: false })
  t.is(sum, expectedSum)
  t.true(peak > 0.9 * size, `${peak / MiB} MiB at most`)
})

test.serial('stores into a shared map are kept in the file, and pages still released', (t) => {
  const path = largeFile(t, size)
  const { peak, sum } = stream(path, { writable: true }, { mapWritable: true, storing: true })
  t.is(sum, expectedSum)
  t.true(peak < 2 * windowSize, `${peak / MiB} MiB at most`)
  const bytes = readFileSync(path)
  for (let at = 0; at < size; at += pageSize) {
    if (bytes[at] !== 255) t.fail(`byte ${at} is lost`)
  }
  t.is(bytes[1], 1)
})

test.serial('so are they without writable, as the file has them', (t) => {
  const path = largeFile(t, 8 * MiB)
  stream(path, {}, { mapWritable: true, storing: true, subarray: [0, 8 * MiB] })
  const bytes = readFileSync(path)
  for (let at = 0; at < bytes.length; at += pageSize) {
    if (bytes[at] !== 255) t.fail(`byte ${at} is lost`)
  }
  t.is(bytes[1], 1)
})

test.serial('stores into a copy-on-write map are kept with writable, and dropped without', (t) => {
  const path = largeFile(t, 16 * MiB)
  for (const writable of [true, false]) {
    using region = HostRegion.mapFile(path)
    using feeder = new ChunkFeeder(region, { windowSize, writable })
    const { exports } = new WebAssembly.Instance(toucher(true), {
      env: { next: feeder.next, seen: () => {} },
    })
    exports.run()
    const view = region.view(Uint8Array)
    let kept = 0
    for (let at = 0; at < view.length; at += pageSize) if (view[at] === 255) ++kept
    t.is(kept, writable ? (16 * MiB) / pageSize : 0)
    // The file never changes.
    t.is(readFileSync(path)[0], 1)
  }
})

test.serial('stores into allocated and borrowed memory are kept whatever the options are', (t) => {
  for (const region of [
    HostRegion.allocate(8 * MiB),
    HostRegion.from(new Uint8Array(8 * MiB)),
    HostRegion.from(new SharedArrayBuffer(8 * MiB)),
  ]) {
    using feeder = new ChunkFeeder(region, { windowSize, release: true, prefetch: true })
    const { exports } = new WebAssembly.Instance(toucher(true), {
      env: { next: feeder.next, seen: () => {} },
    })
    exports.run()
    const view = region.view(Uint8Array)
    for (let at = 0; at < view.length; at += pageSize) {
      if (view[at] !== 255) t.fail(`byte ${at} is lost`)
    }
    t.pass()
  }
})

test.serial('a feeder over a part leaves the bytes beside it alone', (t) => {
  const path = largeFile(t, 16 * MiB)
  using region = HostRegion.mapFile(path)
  const view = region.view(Uint8Array)
  // Both ends in the middle of a page, whose other half is somebody else's.
  const begin = 3 * MiB + 100
  const end = 12 * MiB - 100
  view[begin - 1] = 201
  view[begin] = 202
  view[end - 1] = 203
  view[end] = 204
  view[6 * MiB] = 205
  using feeder = new ChunkFeeder(region.subarray(begin, end), { windowSize: 2 * MiB })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  while (exports.step() > 0);
  t.deepEqual(
    [begin - 1, begin, end - 1, end].map((at) => view[at]),
    [201, 202, 203, 204],
  )
  // As promised: what was passed is the file's again.
  t.is(view[6 * MiB], 7)
})

test.serial('the page that a straddling record begins in is not released', (t) => {
  const path = largeFile(t, 16 * MiB)
  using region = HostRegion.mapFile(path)
  using feeder = new ChunkFeeder(region, { windowSize: 4 * MiB })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  exports.step()
  exports.store(3 * MiB + 50, 99)
  t.is(exports.stepAfter(3 * MiB + 50), 4 * MiB)
  t.is(exports.load(0), 99)
})

test.serial('the rest that the program still has to look at is not released', (t) => {
  const path = largeFile(t, 4 * MiB)
  using region = HostRegion.mapFile(path)
  using feeder = new ChunkFeeder(region, { windowSize: 4 * MiB })
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  exports.step()
  exports.store(3 * MiB, 99)
  exports.store(MiB, 98)
  t.is(exports.stepAfter(2 * MiB), 2 * MiB)
  t.is(exports.stepAfter(0), 0)
  t.is(exports.load(MiB), 99)
  t.is(region.view(Uint8Array)[MiB], 2)
})

test.serial('all bytes of a file come through, at any alignment, again and again', (t) => {
  const bytes = patternBytes(5 * MiB + 123)
  const path = temporaryFile(t, bytes)
  const offset = 4097
  for (const writable of [false, true]) {
    using region = HostRegion.mapFile(path, { offset, writable })
    using feeder = new ChunkFeeder(region, { windowSize: 1_234_567 })
    const { exports } = new WebAssembly.Instance(reader(), {
      env: { next: feeder.next, seen: () => {} },
    })
    const expected = hashOf(bytes.subarray(offset))
    for (let run = 0; run < 2; ++run) {
      feeder.rewind()
      t.is(exports.run(), expected)
    }
  }
})

test.serial('a sparse file of 20 GiB streams through small memory', (t) => {
  const path = join(temporaryFolder(t), 'sparse.bin')
  writeFileSync(path, '')
  const fd = openSync(path, 'r+')
  ftruncateSync(fd, 20 * 1024 * MiB)
  closeSync(fd)
  using region = HostRegion.mapFile(path)
  using feeder = new ChunkFeeder(region, { windowSize: 3 * 1024 * MiB })
  const lengths: number[] = []
  const { exports } = new WebAssembly.Instance(stepper(), { env: { next: feeder.next } })
  for (let length = exports.step() >>> 0; length > 0; length = exports.step() >>> 0) {
    exports.load(0)
    exports.load(length - 1)
    lengths.push(length / (1024 * MiB))
  }
  t.deepEqual(lengths, [3, 3, 3, 3, 3, 3, 2])
})
