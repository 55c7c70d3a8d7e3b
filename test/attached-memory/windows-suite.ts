import test from 'ava'
import { HostRegion, HostWindows, setWasmInstanceWindow, WebAssembly } from 'v8-rawmem'
import { accessesModule } from '../sdk/accesses.ts'
import { Random } from '../support/random.ts'
import { GuardedRegion } from './guarded-region.ts'
import {
  compile,
  outcome,
  outOfBounds,
  pageSize,
  possibleOutcomes,
  type Tier,
  trapped,
  unaligned,
} from './tier.ts'

/** Where window `window` begins. */
const start = (window: number) => 0x8000_0000 + window * 0x1000_0000

/** Has a module be compiled for windows, like programs that move them. */
const imported = '(import "rawmem" "size" (func (param i32) (result i64)))'
const withWindows = (text: string) => text.replace('(module', `(module ${imported}`)

function instantiate(
  tier: Tier,
  text: string,
  imports: WebAssembly.Imports = {},
): WebAssembly.Instance {
  return new WebAssembly.Instance(compile(tier, withWindows(text)), {
    rawmem: { size: () => 0n },
    ...imports,
  })
}

/** Host windows beside the memory of a program. */
export function windowsSuite(tier: Tier): void {
  test('every access stops at the ends of the region in a window, and at those of the own memory', (t) => {
    const instance = instantiate(tier, accessesModule('i32', 0))
    const { memory, ...functions } = instance.exports
    t.true(Object.keys(functions).length > 200)
    memory.grow(2)
    const wrong: string[] = []
    // Window 7 ends where addresses do.
    for (const [window, length, gap] of [
      [0, 0, 0],
      [0, 1, 64],
      [0, 15, 0],
      [3, 17, 33],
      [5, pageSize - 1, 0],
      [7, pageSize + 24, 100],
      [undefined, 2 * pageSize, 0],
    ] as const) {
      const guarded = new GuardedRegion(length, gap)
      if (window !== undefined) setWasmInstanceWindow(instance, guarded.region, window)
      const begin = window === undefined ? 0 : start(window)
      for (let round = 0; round < tier.rounds; ++round) {
        for (const [name, run] of Object.entries(functions)) {
          const [instruction, width, offset] = name.split(' ')
          const bytes = Number(width)
          const isAtomic = instruction?.includes('atomic')
          let last = length - bytes - Number(offset)
          if (isAtomic) last = Math.floor(last / bytes) * bytes
          const expectations: [number, string][] = [
            [last, last + Number(offset) >= 0 && length >= bytes ? 'done' : trapped],
            [last + (isAtomic ? bytes : 1), trapped],
          ]
          // Before the first byte, where the addresses are those of the slot before.
          if (window !== undefined) expectations.push([-Number(offset) - bytes, trapped])
          if (isAtomic && bytes > 1 && last >= bytes) {
            expectations.push([last - bytes + 1, unaligned])
          }
          for (const [at, expected] of expectations) {
            if (begin + at < 0) continue
            const actual = outcome(() => run(begin + at))
            const width = isAtomic && window !== undefined ? bytes : undefined
            if (!possibleOutcomes(expected, width, length + gap).includes(actual)) {
              wrong.push(`${name} at ${at} of ${length} in ${window}: ${actual}, not ${expected}`)
            }
          }
        }
      }
      if (!guarded.intact) wrong.push(`something around ${length} bytes was written`)
      if (window !== undefined) setWasmInstanceWindow(instance, null, window)
      guarded.close()
    }
    t.deepEqual(wrong.slice(0, 20), [])
  })

  const bulk = `(module
    (memory (export "memory") 1 2)
    (data $text "abcdef")
    (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy") (param i32 i32 i32) (memory.copy (local.get 0) (local.get 1) (local.get 2)))
    (func (export "copy16") (param i32 i32) (memory.copy (local.get 0) (local.get 1) (i32.const 16)))
    (func (export "fill16") (param i32 i32) (memory.fill (local.get 0) (local.get 1) (i32.const 16)))
    (func (export "init") (param i32 i32 i32) (memory.init $text (local.get 0) (local.get 1) (local.get 2)))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`

  test('bulk operations work across windows and own memory, and write nothing if a byte is out of bounds', (t) => {
    for (let round = 0; round < Math.min(tier.rounds, 4); ++round) {
      const instance = instantiate(tier, bulk)
      const { memory, fill, copy, copy16, fill16, init, size, grow } = instance.exports
      const own = new Uint8Array(memory.buffer)
      const length = 70_001
      const one = new GuardedRegion(length, 20)
      const two = new GuardedRegion(length)
      setWasmInstanceWindow(instance, one.region, 0)
      setWasmInstanceWindow(instance, two.region, 7)
      const [a, b] = [start(0), start(7)]
      fill(a, 1, length)
      t.true(one.bytes.every((byte) => byte === 1))
      copy(b, a, length)
      t.true(two.bytes.every((byte) => byte === 1))
      init(b + length - 6, 0, 6)
      copy(100, b + length - 6, 6)
      t.is(Buffer.from(own.subarray(100, 106)).toString(), 'abcdef')
      copy(a + 1, 100, 6)
      copy(a + 2, a + 1, 6)
      t.is(Buffer.from(one.bytes.subarray(0, 9)).toString('latin1'), '\x01aabcdef\x01')
      fill16(a + length - 16, 9)
      copy16(a + length - 20, a + length - 16)
      t.true(one.bytes.subarray(length - 20).every((byte) => byte === 9))
      const before = [Uint8Array.from(own), Uint8Array.from(one.bytes), Uint8Array.from(two.bytes)]
      for (const [what, call] of [
        ['fill', () => fill(a + length - 5, 7, 6)],
        ['fill, constant', () => fill16(a + length - 15, 7)],
        ['fill of the own memory', () => fill(pageSize - 5, 7, 6)],
        ['fill from the own memory on', () => fill(pageSize - 5, 7, 0x8000_0000)],
        ['fill of an empty window', () => fill(start(3), 7, 1)],
        ['empty fill in an empty window', () => fill(start(3), 7, 0)],
        ['empty fill beyond the end', () => fill(a + length + 1, 7, 0)],
        ['copy, target', () => copy(a + length - 2, b, 3)],
        ['copy, source', () => copy(0, b + length - 2, 3)],
        ['copy, constant, target', () => copy16(a + length - 15, 0)],
        ['copy, constant, source', () => copy16(0, b + length - 15)],
        ['copy beyond all addresses', () => copy(0, -4, 8)],
        ['init', () => init(a + length - 5, 0, 6)],
      ] as const) {
        t.throws(call, outOfBounds, what)
      }
      t.deepEqual([own, one.bytes, two.bytes], before)
      // No bytes at the end of a region, and of the own memory, are in bounds.
      fill(a + length, 7, 0)
      copy(b + length, pageSize, 0)
      t.true(one.intact && two.intact)
      t.is(size(), 1)
      t.is(grow(1), 1)
      t.is(size(), 2)
      fill(2 * pageSize - 1, 7, 1)
      t.throws(() => fill(2 * pageSize, 7, 1), outOfBounds)
      setWasmInstanceWindow(instance, null, 0)
      setWasmInstanceWindow(instance, null, 7)
      t.throws(() => fill(a, 7, 1), outOfBounds)
      one.close()
      two.close()
    }
  })

  // Accesses near each other share one look-up of where their bytes are: the order of offsets, the ends of regions, and calls
  // between them must make no difference.
  test('accesses of one index with any offsets do what each of them does alone', (t) => {
    const random = new Random(20261127)
    const wrong: string[] = []
    const offsets = [
      0, 1, 2, 3, 4, 8, 12, 24, 40, 100, 65_500, 65_528, 65_536, 70_000, 0x1000_0000, 0x8000_0000,
      0x7fff_fff8, 0xffff_ffff,
    ]
    for (let program = 0; program < 40; ++program) {
      type Step = { kind: 'load' | 'store' | 'call'; offset: number; bytes: 1 | 4 | 8 }
      const steps: Step[] = Array.from({ length: 2 + random.below(10) }, () => ({
        kind: random.pick(['call', 'load', 'load', 'load', 'store', 'store', 'store']),
        offset: random.pick(offsets),
        bytes: random.pick([1, 4, 8] as const),
      }))
      const write = ({ kind, offset, bytes }: Step) => {
        if (kind === 'call') return '(call $switch)'
        const suffix = { 1: '8', 4: '32', 8: '' }[bytes]
        return kind === 'load'
          ? `(local.set $sum (i64.add (i64.rotl (local.get $sum) (i64.const 7))
               (i64.load${suffix}${suffix && '_u'} offset=${offset} (local.get $at))))`
          : `(i64.store${suffix} offset=${offset} (local.get $at) (local.get $sum))`
      }
      const text = `(module
        (import "env" "switch" (func $switch))
        (memory (export "memory") 2)
        (global (export "sum") (mut i64) (i64.const 0))
        (func (export "run") (param $at i32) (result i64) (local $sum i64)
          (local.set $sum (i64.const 0x0123456789abcdef))
          ${steps.map(write).join('\n')}
          (local.get $sum)))`
      const length = 65_000 + random.below(1500)
      const regions = [0, 1].map(() => [length, 80_000, 12].map((n) => HostRegion.allocate(n)))
      let shown = 0
      const show = () => {
        for (const [window, region] of regions[shown]!.entries()) {
          setWasmInstanceWindow(instance, region, window)
        }
      }
      const instance = instantiate(tier, text, {
        env: {
          switch() {
            shown = 1 - shown
            show()
          },
        },
      })
      const own = new Uint8Array(instance.exports.memory.buffer)
      const bytesOf = (region: HostRegion) => region.view(Uint8Array) as Uint8Array
      const all = [own, ...regions.flat().map(bytesOf)]
      const seed = () => {
        for (const [i, bytes] of all.entries()) {
          for (let j = 0; j < bytes.length; ++j) bytes[j] = (j * 31 + i * 101) ^ (j >> 8)
        }
        shown = 0
        show()
      }
      /** What the program has to do, with the bytes it leaves. */
      const model = (at: number): [string, bigint] => {
        let which = 0
        let sum = 0x0123456789abcdefn
        for (const { kind, offset, bytes } of steps) {
          if (kind === 'call') {
            which = 1 - which
            continue
          }
          const address = at + offset
          const inWindow = address >= start(0) ? Math.floor((address - start(0)) / 2 ** 28) : -1
          const target =
            inWindow < 0
              ? own
              : inWindow < 3
                ? bytesOf(regions[which]![inWindow] as HostRegion)
                : new Uint8Array()
          const place = inWindow < 0 ? address : (address - start(0)) % 2 ** 28
          if (place + bytes > target.length) return [trapped, 0n]
          const view = new DataView(target.buffer, target.byteOffset, target.byteLength)
          if (kind === 'store') {
            for (let i = 0; i < bytes; ++i) {
              target[place + i] = Number((sum >> BigInt(8 * i)) & 0xffn)
            }
            continue
          }
          const value =
            bytes === 8
              ? view.getBigUint64(place, true)
              : BigInt(bytes === 4 ? view.getUint32(place, true) : view.getUint8(place))
          sum = BigInt.asUintN(64, (((sum << 7n) & (2n ** 64n - 1n)) | (sum >> 57n)) + value)
        }
        return ['done', sum]
      }
      for (const at of [
        0,
        8,
        2 * pageSize - 16,
        start(0),
        start(0) + 16,
        start(0) + length - 40,
        start(0) + length - 8,
        start(1) + 79_000,
        start(2),
        start(2) + 4,
        start(3),
        0xffff_fff8,
      ]) {
        seed()
        const expected = model(at)
        const left = all.map((bytes) => Buffer.from(bytes).toString('latin1'))
        seed()
        let sum = 0n
        const actual = outcome(() => {
          sum = BigInt.asUintN(64, instance.exports.run(at | 0))
        })
        const same = all.every((bytes, i) => Buffer.from(bytes).toString('latin1') === left[i])
        if (actual !== expected[0] || sum !== expected[1] || !same) {
          wrong.push(
            `at ${at} of ${length}: ${actual} ${sum}, expected ${expected}, bytes ${same ? 'alike' : 'differ'}: ${JSON.stringify(steps)}`,
          )
        }
      }
      for (const region of regions.flat()) {
        for (let window = 0; window < 3; ++window) setWasmInstanceWindow(instance, null, window)
        region.close()
      }
    }
    t.deepEqual(wrong.slice(0, 5), [])
  })

  test('a program moves its windows itself, and sees each chunk at once', (t) => {
    const text = `(module
      (import "rawmem" "next" (func $next (param i32 i32) (result i32)))
      (import "rawmem" "map" (func $map (param i32 i64 i32) (result i32)))
      (import "rawmem" "size" (func $size (param i32) (result i64)))
      (memory (export "memory") 1)
      (func $add (param $at i32) (result i64)
        (i64.extend_i32_u (i32.load8_u (local.get $at))))
      ;; The sum of window $w, byte by byte, in chunks of which $keep bytes are left for the next.
      (func (export "sum") (param $w i32) (result i64)
        (local $sum i64) (local $at i32) (local $end i32) (local $begin i32)
        (local.set $begin (i32.add (i32.const 0x80000000) (i32.shl (local.get $w) (i32.const 28))))
        (block $done
          (loop $chunks
            (br_if $done (i32.eqz (local.tee $end (call $next (local.get $w) (i32.const -1)))))
            (local.set $end (i32.add (local.get $begin) (local.get $end)))
            (local.set $at (local.get $begin))
            (loop $bytes
              (local.set $sum (i64.add (local.get $sum) (call $add (local.get $at))))
              (br_if $bytes
                (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 1))) (local.get $end))))
            (i64.store (i32.const 8) (local.get $sum))
            (br $chunks)))
        (i64.load (i32.const 8)))
      (func (export "at") (param $w i32) (param $offset i64) (result i32)
        (i32.add
          (i32.mul (call $map (local.get $w) (local.get $offset) (i32.const 4)) (i32.const 1000))
          (i32.load8_u
            (i32.add (i32.const 0x80000000) (i32.shl (local.get $w) (i32.const 28))))))
      (func (export "next") (param i32 i32) (result i32) (call $next (local.get 0) (local.get 1)))
      (func (export "size") (param $w i32) (result i64) (call $size (local.get $w))))`
    const [a, b] = [HostRegion.allocate(100_003), HostRegion.allocate(50_001)]
    for (const region of [a, b]) {
      const bytes = region.view(Uint8Array)
      for (let i = 0; i < bytes.length; ++i) bytes[i] = i * 7 + (region === a ? 1 : 2)
    }
    const sumOf = (region: HostRegion) =>
      BigInt((region.view(Uint8Array) as Uint8Array).reduce((sum, byte) => sum + byte, 0))
    const windows = new HostWindows([a, null, b], { windowSize: 4097 })
    const module = compile(tier, text)
    const { sum, at, next, size } = new WebAssembly.Instance(module, { ...windows.imports }).exports
    for (let round = 0; round < Math.min(tier.rounds, 20); ++round) {
      t.is(sum(0), sumOf(a))
      t.is(sum(2), sumOf(b))
      windows.rewind()
    }
    t.is(size(0), 100_003n)
    t.is(size(2), 50_001n)
    t.is(at(2, 50_000n), 1000 + ((50_000 * 7 + 2) & 255))
    t.is(at(0, 77n), 4000 + ((77 * 7 + 1) & 255))
    // Records that straddle.
    t.is(next(0, -1), 4097)
    t.is(next(0, 4000), 4097)
    t.is(next(0, 97), 4097)
    t.throws(() => next(0, 4098), { instanceOf: RangeError })
    t.throws(() => next(1, -1), { instanceOf: RangeError, message: /window 1 shows no region/ })
    t.throws(() => next(9, -1), { instanceOf: RangeError, message: /window 9 shows no region/ })
    t.throws(() => at(0, 100_004n), { instanceOf: RangeError, message: /offset must be at most/ })
    windows.setRegion(0, b)
    t.is(sum(0), sumOf(b))
    windows.close()
    t.throws(() => next(0, -1), { instanceOf: TypeError, message: /closed/ })
    a.close()
    b.close()
  })
}
