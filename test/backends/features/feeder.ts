import { deepEqual, equal, throws } from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { WebAssembly as api, ChunkFeeder } from 'v8-rawmem'
import { systemPage } from '../../support/page-size.ts'
import { type Feature, type Kit, onlyAtMultiplesOf8, pattern } from '../feature.ts'

const size = 65536

/** "run" adds up all bytes of all windows; "next" is the import itself. */
function summing(kit: Kit, window: number): string {
  return `(module
    (import "env" "next" (func $next (result i32)))
    (memory (export "memory") ${kit.initial(window)})
    (func (export "next") (result i32) (call $next))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "run") (result i32)
      (local $at i32) (local $end i32) (local $sum i32)
      (loop $windows
        (local.set $end (call $next))
        (if (local.get $end) (then
          (local.set $at (i32.const 0))
          (loop $bytes
            (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $at))))
            (br_if $bytes (i32.lt_u
              (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
          (br $windows))))
      (local.get $sum)))`
}

const sumOf = (bytes: Uint8Array) => bytes.reduce((sum, byte) => sum + byte, 0)

/** Lines, read by telling `next` how much of the window is used up. */
const consuming = (kit: Kit, window: number) => `(module
  (import "env" "next" (func $next (param i32) (result i32)))
  (memory ${kit.initial(window)})
  (func (export "next") (param i32) (result i32) (call $next (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`

/** In its first window. */
function beginConsuming(kit: Kit) {
  const length = 3 * size + 5
  const region = kit.region(kit.HostRegion.allocate(length))
  region.view(Uint8Array).set(pattern(length))
  const feeder = new kit.ChunkFeeder(region, { windowSize: size })
  const { next, load } = kit.instantiate(consuming(kit, size), {
    env: { next: feeder.next },
  }).exports
  equal(next(0), size)
  return { feeder, next, load }
}

/** Throws what it finds in the next window; "caught" catches that, and adds what it finds then. */
const throwing = (kit: Kit, window: number) => `(module
  (import "env" "next" (func $next (result i32)))
  (import "env" "thrown" (tag $thrown (param i32)))
  (memory ${kit.initial(window)})
  (func $throw (export "throw") (drop (call $next)) (throw $thrown (i32.load8_u (i32.const 0))))
  (func (export "caught") (result i32)
    (try (result i32)
      (do (call $throw) (i32.const -1))
      (catch $thrown (i32.add (i32.mul (i32.const 1000) (i32.load8_u (i32.const 0)))))))
  (func (export "swallowed") (result i32)
    (try (result i32)
      (do (call $next))
      (catch_all (i32.load8_u (i32.const 0))))))`

/** Adds one to every word, and gives their number. */
const counting = (kit: Kit, window: number) => `(module
  (import "env" "next" (func $next (result i32)))
  (memory ${kit.initial(window)})
  (func (export "next") (result i32) (call $next))
  (func (export "wait") (param i32) (result i32)
    (memory.atomic.wait32 (local.get 0) (i32.const 0) (i64.const 0)))
  (func (export "notify") (param i32) (result i32)
    (memory.atomic.notify (local.get 0) (i32.const 1)))
  (func (export "exchange") (param i32 i32) (result i32)
    (i32.atomic.rmw.cmpxchg (local.get 0) (i32.const 1) (local.get 1)))
  (func (export "run") (result i32)
    (local $at i32) (local $end i32) (local $words i32)
    (loop $windows
      (if (local.tee $end (call $next)) (then
        (local.set $at (i32.const 0))
        (loop $each
          (drop (i32.atomic.rmw.add (local.get $at) (i32.const 1)))
          (local.set $words (i32.add (local.get $words) (i32.const 1)))
          (br_if $each (i32.lt_u
            (local.tee $at (i32.add (local.get $at) (i32.const 4))) (local.get $end))))
        (br $windows))))
    (local.get $words)))`

/** In the first window, full of 1, of three; the other region is full of 9. */
function beginBesideAttach(kit: Kit) {
  const fed = kit.region(kit.HostRegion.allocate(3 * size))
  const other = kit.region(kit.HostRegion.allocate(size))
  fed.view(Uint8Array).fill(1)
  other.view(Uint8Array).fill(9)
  const feeder = new kit.ChunkFeeder(fed, { windowSize: size })
  const { next, load, memory } = kit.instantiate(summing(kit, size), {
    env: { next: feeder.next },
  }).exports
  equal(next(), size)
  return { fed, other, feeder, next, load, memory }
}

export const feeding: Feature[] = [
  {
    name: 'ChunkFeeder: windows one after the other, the last one shorter',
    check(kit) {
      const length = 5 * size + 777
      const region = kit.region(kit.HostRegion.allocate(length))
      const bytes = pattern(length)
      region.view(Uint8Array).set(bytes)
      const feeder = new kit.ChunkFeeder(region, { windowSize: 2 * size })
      const { run, next } = kit.instantiate(summing(kit, 2 * size), {
        env: { next: feeder.next },
      }).exports
      for (let i = 0; i < 2; i++) {
        equal(run(), sumOf(bytes))
        equal(feeder.windows, 3)
        feeder.rewind()
      }
      deepEqual([next(), next(), next(), next()], [2 * size, 2 * size, size + 777, 0])
      throws(() => region.close(), /detach|feeder/)
      feeder.close()
      region.close()
    },
  },
  {
    name: 'ChunkFeeder: a record that straddles windows (consumed)',
    check(kit) {
      const { feeder, next, load } = beginConsuming(kit)
      equal(next(size - 100), size)
      equal(feeder.position, size - 100)
      equal(load(99), pattern(size)[size - 1])
      equal(load(100), pattern(size + 1)[size])
      feeder.close()
    },
    differs: {
      'node-rewire': {
        says: 'where windows begin at pages',
        check(kit) {
          const { feeder, next, load } = beginConsuming(kit)
          equal(next(size - 4096), size)
          equal(feeder.position, size - 4096)
          equal(load(4096), pattern(size + 1)[size])
          throws(() => next(100), {
            name: 'RangeError',
            message: new RegExp(`^region: .* must begin at a multiple of ${systemPage} bytes`),
          })
          // The window is still there.
          equal(load(4096), pattern(size + 1)[size])
          feeder.close()
        },
      },
      ...onlyAtMultiplesOf8,
    },
  },
  {
    name: 'ChunkFeeder: the default window',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(3 * size + 5))
      const feeder = new kit.ChunkFeeder(region)
      // A memory that has room for all of it.
      const { next } = kit.instantiate(summing(kit, 3 * size + 5), {
        env: { next: feeder.next },
      }).exports
      equal(next(), 3 * size + 5)
      equal(next(), 0)
      feeder.close()
    },
  },
  {
    name: 'ChunkFeeder: results in place',
    check(kit) {
      const path = kit.file(pattern(2 * size + 9))
      const region = kit.region(kit.HostRegion.mapFile(path, { writable: true }))
      const feeder = new kit.ChunkFeeder(region, { windowSize: size, writable: true })
      const { next, store } = kit.instantiate(summing(kit, size), {
        env: { next: feeder.next },
      }).exports
      for (let length = next(); length > 0; length = next()) store(length - 1, 7)
      feeder.close()
      const bytes = region.view(Uint8Array)
      deepEqual([bytes[size - 1], bytes[2 * size - 1], bytes[2 * size + 8]], [7, 7, 7])
      equal(bytes[size], pattern(size + 1)[size])
    },
  },
  {
    name: 'ChunkFeeder: results in a copy-on-write file map',
    check(kit) {
      const path = kit.file(pattern(2 * size + 9))
      const region = kit.region(kit.HostRegion.mapFile(path))
      const feeder = new kit.ChunkFeeder(region, { windowSize: size, writable: true })
      const { next, store } = kit.instantiate(summing(kit, size), {
        env: { next: feeder.next },
      }).exports
      for (let length = next(); length > 0; length = next()) store(length - 1, 7)
      feeder.close()
      const bytes = region.view(Uint8Array)
      deepEqual([bytes[size - 1], bytes[2 * size - 1], bytes[2 * size + 8]], [7, 7, 7])
      equal(bytes[size], pattern(size + 1)[size])
      deepEqual(new Uint8Array(readFileSync(path)), pattern(2 * size + 9))
    },
  },
  {
    name: 'ChunkFeeder: a file, copy-on-write, that is only read',
    check(kit) {
      const bytes = pattern(4 * size + 9)
      const region = kit.region(kit.HostRegion.mapFile(kit.file(bytes)))
      const feeder = new kit.ChunkFeeder(region, { windowSize: size })
      const { run } = kit.instantiate(summing(kit, size), { env: { next: feeder.next } }).exports
      equal(run(), sumOf(bytes))
      feeder.close()
    },
  },
  {
    name: 'ChunkFeeder: an aborted signal stops the module',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(4 * size))
      const controller = new AbortController()
      const feeder = new kit.ChunkFeeder(region, { windowSize: size, signal: controller.signal })
      const { next, run } = kit.instantiate(summing(kit, size), {
        env: { next: feeder.next },
      }).exports
      equal(next(), size)
      const reason = new Error('enough')
      controller.abort(reason)
      throws(
        () => run(),
        (error) => error === reason,
      )
      feeder.close()
      region.close()
    },
  },
  {
    name: 'ChunkFeeder: closing it gives the memory back',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(size))
      region.view(Uint8Array).fill(1)
      const feeder = new kit.ChunkFeeder(region, { windowSize: size })
      const { next, load, memory } = kit.instantiate(summing(kit, size), {
        env: { next: feeder.next },
      }).exports
      if (memory.buffer.byteLength === 0) memory.grow(1)
      equal(next(), size)
      equal(load(0), 1)
      feeder.close()
      equal(load(0), 0)
      throws(() => next(), { name: 'TypeError', message: /closed/ })
    },
  },
  {
    name: 'ChunkFeeder: bound to another instance by onProgress',
    async check(kit) {
      const region = kit.region(kit.HostRegion.allocate(3 * size))
      for (let i = 0; i < 3; i++)
        region
          .subarray(i * size)
          .view(Uint8Array)
          .fill(i + 1)
      let bindTo: api.Instance | null | undefined
      const feeder: ChunkFeeder = new kit.ChunkFeeder(region, {
        windowSize: size,
        onProgress() {
          if (bindTo === undefined) return
          feeder.bind(bindTo)
          bindTo = undefined
        },
      })
      const instance = (next: ChunkFeeder['next']) =>
        kit.instantiate(summing(kit, size), { env: { next } })
      const first = instance(feeder.next)
      const second = instance(() => feeder.next())
      equal(first.exports.next(), size)
      await wait(120)
      bindTo = second
      throws(() => first.exports.next(), {
        name: 'Error',
        message: /^next: onProgress has bound the ChunkFeeder to another instance/,
      })
      // The other goes on where this one was.
      equal(second.exports.next(), size)
      equal(second.exports.load(7), 2)
      await wait(120)
      bindTo = null
      throws(() => second.exports.next(), { message: /is not bound to an instance/ })
      feeder.bind(second)
      equal(second.exports.next(), size)
      equal(second.exports.load(7), 3)
      // At the end there is no window that could go elsewhere.
      bindTo = first
      equal(second.exports.next(), 0)
      feeder.rewind()
      equal(first.exports.next(), size)
      equal(first.exports.load(7), 1)
      feeder.close()
    },
  },
  {
    name: 'ChunkFeeder: exceptions of WebAssembly pass, and the window stays',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(4 * size))
      for (let n = 0; n < 4; n++) region.view(Uint8Array)[n * size] = n + 1
      const { Tag, Exception } = kit.WebAssembly
      const thrown = new Tag({ parameters: ['i32'] })
      const controller = new AbortController()
      const feeder = new kit.ChunkFeeder(region, { windowSize: size, signal: controller.signal })
      const exports = kit.instantiate(throwing(kit, size), {
        env: { next: feeder.next, thrown },
      }).exports
      throws(
        () => exports.throw(),
        (error) => error instanceof Exception && error.getArg(thrown, 0) === 1,
      )
      equal(exports.caught(), 2002)
      equal(exports.caught(), 3003)
      controller.abort()
      equal(exports.swallowed(), 3)
      equal(feeder.windows, 3)
      feeder.close()
      region.close()
    },
  },
  {
    name: 'ChunkFeeder: atomic accesses',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(3 * size + 8))
      const feeder = new kit.ChunkFeeder(region, { windowSize: size, writable: true })
      const { run, next, exchange, notify, wait } = kit.instantiate(counting(kit, size), {
        env: { next: feeder.next },
      }).exports
      equal(run(), region.byteLength / 4)
      feeder.rewind()
      next()
      next()
      equal(exchange(size - 4, 5), 1)
      equal(exchange(size - 4, 6), 5)
      equal(notify(0), 0)
      throws(() => wait(0), { name: 'RuntimeError' })
      throws(() => exchange(2, 1), { name: 'RuntimeError' })
      throws(() => exchange(size, 1), { name: 'RuntimeError' })
      feeder.close()
      const words = region.view(Int32Array)
      equal(words[size / 2 - 1], 5)
      equal(words.filter((word) => word === 1).length, words.length - 1)
    },
  },
  {
    name: 'ChunkFeeder: Memory.attach() meanwhile',
    check(kit) {
      const { fed, other, feeder, next, load, memory } = beginBesideAttach(kit)
      memory.attach(other)
      equal(load(0), 1)
      throws(() => fed.close(), /attached/)
      equal(next(), size)
      equal(load(0), 1)
      feeder.close()
      equal(load(0), 9)
      fed.close()
      memory.attach(null)
    },
    differs: {
      'node-raw': { says: 'refused', refuses: /^TypeError: attach: the backend 'node-raw' cannot/ },
      'node-rewire': {
        says: 'takes the place of the window',
        check(kit) {
          const { fed, other, feeder, next, load, memory } = beginBesideAttach(kit)
          memory.attach(other)
          equal(load(0), 9)
          equal(next(), size)
          equal(load(0), 1)
          other.view(Uint8Array).fill(8)
          memory.attach(other)
          fed.close()
          throws(() => next(), { name: 'TypeError', message: 'The HostRegion is closed' })
          equal(load(0), 8)
          feeder.close()
          equal(load(0), 8)
          memory.attach(null)
        },
      },
    },
  },
  {
    name: 'ChunkFeeder: goes on when the part that it feeds is closed',
    check(kit) {
      const whole = kit.region(kit.HostRegion.allocate(4 * size))
      whole.view(Uint8Array).fill(1)
      const part = whole.subarray(size)
      const feeder = new kit.ChunkFeeder(part, { windowSize: size })
      const { run, next, load } = kit.instantiate(summing(kit, size), {
        env: { next: feeder.next },
      }).exports
      equal(next(), size)
      part.close()
      equal(load(size - 1), 1)
      throws(() => whole.close(), /attached/)
      equal(run(), 2 * size)
      feeder.rewind()
      equal(run(), 3 * size)
      feeder.close()
      whole.close()
    },
  },
]
