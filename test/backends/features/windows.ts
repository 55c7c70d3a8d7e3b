import { equal, throws } from 'node:assert/strict'
import type { WebAssembly as api } from 'v8-rawmem'
import { systemPage } from '../../support/page-size.ts'
import { type Feature, type Kit, pattern } from '../feature.ts'

const size = 65536
const start = (window: number) => 0x8000_0000 + window * 0x1000_0000

/** Everything that a program does with windows, beside a memory of its own. */
const program = (memory = '(memory (export "memory") 1)') => `(module
  (import "rawmem" "next" (func $next (param i32 i32) (result i32)))
  (import "rawmem" "map" (func $map (param i32 i64 i32) (result i32)))
  (import "rawmem" "size" (func $size (param i32) (result i64)))
  ${memory}
  (func (export "next") (param i32 i32) (result i32) (call $next (local.get 0) (local.get 1)))
  (func (export "map") (param i32 i64 i32) (result i32)
    (call $map (local.get 0) (local.get 1) (local.get 2)))
  (func (export "size") (param i32) (result i64) (call $size (local.get 0)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
  (func (export "constant") (result i32) (i32.load8_u offset=0x80000000 (i32.const 5)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "add") (param i32 i32) (result i32)
    (i32.atomic.rmw.add (local.get 0) (local.get 1)))
  (func (export "pages") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  ;; The sum of the products of two columns of bytes, in lockstep.
  (func (export "run") (result i32)
    (local $at i32) (local $end i32) (local $sum i32)
    (loop $windows
      (local.set $end (call $next (i32.const 0) (i32.const -1)))
      (drop (call $next (i32.const 1) (i32.const -1)))
      (if (local.get $end) (then
        (local.set $at (i32.const 0))
        (loop $bytes
          (local.set $sum (i32.add (local.get $sum) (i32.mul
            (i32.load8_u offset=0x80000000 (local.get $at))
            (i32.load8_u offset=0x90000000 (local.get $at)))))
          (br_if $bytes (i32.lt_u
            (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
        (br $windows))))
    (i32.store (i32.const 0) (local.get $sum))
    (i32.load (i32.const 0))))`

function region(kit: Kit, length: number, seed = 0) {
  const made = kit.region(kit.HostRegion.allocate(length))
  made.view(Uint8Array).set(pattern(length, seed))
  return made
}

function shown(kit: Kit, lengths: number[], memory?: string, imports: api.Imports = {}) {
  const regions = lengths.map((length, i) => region(kit, length, i))
  const windows = new kit.HostWindows(regions, { windowSize: size, writable: true })
  const instance = kit.instantiate(program(memory), { ...imports, ...windows.imports })
  return { regions, windows, instance, ...instance.exports } as unknown as {
    regions: typeof regions
    windows: typeof windows
    instance: api.Instance
  } & Record<
    | 'next'
    | 'map'
    | 'load'
    | 'store'
    | 'constant'
    | 'fill'
    | 'copy'
    | 'add'
    | 'pages'
    | 'grow'
    | 'run',
    (...parameters: (number | bigint)[]) => number
  > & { size(window: number): bigint }
}

const noWindows = { says: 'refused', refuses: /^Error: the backend 'node-raw' has no host windows/ }
const trap = { name: 'RuntimeError', message: /memory access out of bounds/ }
const imported = '(import "env" "memory" (memory 1))'

export const windows: Feature[] = [
  {
    name: "HostWindows: two columns beside the program's own memory",
    check(kit) {
      const length = 3 * size + 12_345
      const { windows, run, load, size: sizeOf } = shown(kit, [length, length])
      const [a, b] = [pattern(length), pattern(length, 1)]
      const expected = a.reduce((sum, byte, i) => (sum + byte * b[i]!) | 0, 0)
      for (let round = 0; round < 3; ++round) {
        equal(run(), expected)
        windows.rewind()
      }
      equal(sizeOf(0), BigInt(length))
      windows.close()
      throws(() => load(start(0)), trap)
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'HostWindows: rawmem.map shows any part, and none',
    check(kit) {
      const { map, load, store, constant, regions } = shown(kit, [5 * size])
      equal(map(0, BigInt(2 * size), size), size)
      equal(constant(), pattern(5 * size)[2 * size + 5])
      store(start(0) + 1, 77)
      equal(regions[0]!.view(Uint8Array)[2 * size + 1], 77)
      equal(map(0, BigInt(4 * size), 3 * size), size)
      equal(load(start(0) + size - 1), pattern(5 * size)[5 * size - 1])
      equal(map(0, 0n, 0), 0)
      throws(() => load(start(0)), trap)
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'HostWindows: what lies behind a region traps, to the byte',
    check(kit) {
      const { next, load } = shown(kit, [size + 100])
      next(0, -1)
      next(0, -1)
      equal(load(start(0) + 99), pattern(size + 100)[size + 99])
      throws(() => load(start(0) + 100), trap)
      throws(() => load(start(0) - 1), trap)
    },
    differs: {
      'node-raw': noWindows,
      'node-rewire': {
        says: "at the end of the region's last page",
        check(kit) {
          const { next, load } = shown(kit, [size + 100])
          next(0, -1)
          next(0, -1)
          equal(load(start(0) + 99), pattern(size + 100)[size + 99])
          equal(load(start(0) + 100), 0)
          throws(() => load(start(0) + systemPage), trap)
          throws(() => load(start(0) - 1), trap)
        },
      },
    },
  },
  {
    name: 'HostWindows: a region that begins anywhere',
    check(kit) {
      const whole = region(kit, 2 * size)
      const windows = new kit.HostWindows([whole.subarray(3, size)])
      const { next, load } = kit.instantiate(program(), { ...windows.imports }).exports
      equal(next(0, -1), size - 3)
      equal(load(start(0)), pattern(8)[3])
    },
    differs: {
      'node-raw': noWindows,
      'node-rewire': {
        says: 'at a page',
        refuses: /^RangeError: region: .*must begin at a multiple/,
      },
    },
  },
  {
    name: 'HostWindows: memory.grow of the own memory, up to the windows',
    check(kit) {
      const { next, load, store, pages, grow } = shown(kit, [size])
      next(0, -1)
      equal(grow(3), 1)
      equal(pages(), 4)
      store(4 * size - 1, 44)
      equal(load(4 * size - 1), 44)
      throws(() => load(4 * size), trap)
      equal(grow(32767 - 4), 4)
      equal(grow(1), -1)
      throws(() => load(start(0) - 1), trap)
      equal(load(start(0) + 7), pattern(8)[7])
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'HostWindows: own memory that leaves no room is refused',
    check(kit) {
      const { imports } = new kit.HostWindows([])
      throws(() => kit.instantiate(program('(memory 32768)'), { ...imports }), {
        name: 'RangeError',
        message: /leaves no addresses for the host windows/,
      })
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'HostWindows: memory.fill and memory.copy in windows',
    check(kit) {
      const { next, fill, copy, load, regions } = shown(kit, [size])
      next(0, -1)
      fill(start(0), 7, 100)
      equal(regions[0]!.view(Uint8Array)[99], 7)
      copy(10, start(0) + 90, 20)
      equal(load(10), 7)
      equal(load(29), pattern(size)[109])
    },
    differs: {
      'node-raw': noWindows,
      'node-rewire': {
        says: 'trap',
        check(kit) {
          const { next, fill, copy, load, regions } = shown(kit, [size])
          next(0, -1)
          throws(() => fill(start(0), 7, 100), trap)
          throws(() => copy(10, start(0), 20), trap)
          equal(regions[0]!.view(Uint8Array)[0], pattern(1)[0])
          equal(load(10), 0)
        },
      },
    },
  },
  {
    name: 'HostWindows: atomic accesses in windows',
    check(kit) {
      const { next, add, regions } = shown(kit, [size])
      const words = regions[0]!.view(Int32Array)
      words[3] = 40
      next(0, -1)
      equal(add(start(0) + 12, 2), 40)
      equal(words[3], 42)
    },
    differs: {
      'node-raw': noWindows,
      'node-rewire': {
        says: 'trap until the code is optimised',
        check(kit) {
          const { next, add, regions } = shown(kit, [size])
          next(0, -1)
          throws(() => add(start(0) + 12, 2), trap)
          equal(regions[0]!.view(Uint8Array)[12], pattern(13)[12])
        },
      },
    },
  },
  {
    name: 'HostWindows: a memory that is imported',
    check(kit) {
      const memory = new kit.WebAssembly.Memory({ initial: 1, maximum: 100 })
      const { next, load, store } = shown(kit, [size], imported, { env: { memory } })
      next(0, -1)
      store(3, 33)
      equal(new Uint8Array(memory.buffer)[3], 33)
      equal(load(start(0) + 3), pattern(4)[3])
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'HostWindows: a memory that is imported, without a maximum',
    check(kit) {
      const memory = new kit.WebAssembly.Memory({ initial: 1 })
      const { next, load } = shown(kit, [size], imported, { env: { memory } })
      next(0, -1)
      equal(load(start(0) + 3), pattern(4)[3])
      equal(memory.grow(1), 1)
      throws(() => memory.grow(40_000))
    },
    differs: {
      'node-raw': noWindows,
      'node-rewire': {
        says: 'refused',
        refuses: /^RangeError: .*could grow into the host windows/,
      },
    },
  },
  {
    name: 'setWasmInstanceWindow: shown, replaced and taken away',
    check(kit) {
      const module = new kit.WebAssembly.Module(
        kit.wat(`(module (memory (export "memory") 1)
          (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`),
        { hostWindows: true },
      )
      const instance = new kit.WebAssembly.Instance(module)
      const load = instance.exports.load as (at: number) => number
      const [one, two] = [region(kit, 2 * size), region(kit, size, 5)]
      kit.setWasmInstanceWindow(instance, one, 7)
      equal(load(start(7) + size), pattern(2 * size)[size])
      kit.setWasmInstanceWindow(instance, two, 7)
      equal(load(start(7) + 1), pattern(2, 5)[1])
      throws(() => load(start(7) + size), trap)
      throws(() => two.close(), /attached/)
      kit.setWasmInstanceWindow(instance, one, 6)
      equal(load(start(6)), pattern(1)[0])
      kit.setWasmInstanceWindow(instance, null, 7)
      throws(() => load(start(7)), trap)
      two.close()
      kit.setWasmInstanceWindow(instance, null, 6)
      one.close()
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'windows without room between them are refused',
    check(kit) {
      const { instance } = shown(kit, [])
      const large = kit.region(kit.HostRegion.allocate(2 ** 28))
      kit.setWasmInstanceWindow(instance, region(kit, size), 1)
      throws(() => kit.setWasmInstanceWindow(instance, large, 0), RangeError)
      kit.setWasmInstanceWindow(instance, large.subarray(0, 2 ** 28 - size), 0)
      throws(
        () => kit.setWasmInstanceWindow(instance, kit.region(kit.HostRegion.allocate(2 ** 29)), 7),
        RangeError,
      )
    },
    differs: { 'node-raw': noWindows },
  },
  {
    name: 'a module without host windows has none',
    check(kit) {
      const instance = kit.instantiate('(module (memory (export "memory") 1))')
      throws(
        () => kit.setWasmInstanceWindow(instance, region(kit, size), 0),
        /host windows|hostWindows/,
      )
    },
  },
]
