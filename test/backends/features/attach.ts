import { deepEqual, equal, notEqual, throws } from 'node:assert/strict'
import { systemPage } from '../../support/page-size.ts'
import { accessors, type Feature, onlyAtMultiplesOf8, pattern } from '../feature.ts'

const page = systemPage
const size = 65536

/** Calls "switch" between two loads of address 0, in several ways. */
const switching = (pages: number, limits = `${pages}`) => `(module
  (type $void (func))
  (import "env" "switch" (func $switch))
  (memory (export "memory") ${limits})
  (table funcref (elem $switch $through))
  (func $through (call $switch))
  ;; Values live in registers and locals across the calls.
  (func (export "inLoop") (param $times i32) (result i32)
    (local $sum i32)
    (loop $again
      (local.set $sum (i32.add (local.get $sum) (i32.load (i32.const 0))))
      (call $switch)
      (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
    (local.get $sum))
  (func (export "direct") (result i32)
    (i32.load (i32.const 4))
    (call $switch)
    (i32.sub (i32.load (i32.const 4))))
  (func (export "inCallee") (result i32)
    (i32.load (i32.const 4))
    (call $through)
    (i32.sub (i32.load (i32.const 4))))
  (func (export "indirect") (param i32) (result i32)
    (i32.load (i32.const 4))
    (call_indirect (type $void) (local.get 0))
    (i32.sub (i32.load (i32.const 4))))
  (func (export "store") (call $switch) (i32.store (i32.const 8) (i32.const 77))))`

function windows(kit: Parameters<Feature['check']>[0], limits?: string): void {
  const region = kit.region(kit.HostRegion.allocate(16 * size))
  for (let i = 0; i < 16; i++)
    region
      .subarray(i * size)
      .view(Int32Array, 0, 3)
      .set([i + 1, i * i])
  let at = 0
  const show = (i: number) => {
    at = i
    kit.setWasmInstanceRawMemory(instance, region.subarray(i * size, (i + 1) * size))
  }
  const pages = kit.initial(size)
  const instance = kit.instantiate(switching(pages, limits), {
    env: { switch: () => show((at + 1) % 16) },
  })
  const { inLoop, direct, inCallee, indirect, store } = instance.exports
  for (let round = 0; round < 3; round++) {
    show(0)
    equal(inLoop(16), 136)
    for (const [run, from] of [
      [direct, 2],
      [inCallee, 5],
      [() => indirect(0), 7],
      [() => indirect(1), 9],
    ] as const) {
      show(from)
      equal(run(), from ** 2 - (from + 1) ** 2)
    }
    show(11)
    region.view(Int32Array)[(11 * size) / 4 + 2] = 0
    store()
    equal(region.view(Int32Array)[(12 * size) / 4 + 2], 77)
    equal(region.view(Int32Array)[(11 * size) / 4 + 2], 0)
  }
  kit.setWasmInstanceRawMemory(instance, null)
}

export const attaching: Feature[] = [
  {
    name: 'loads and stores reach the region',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const bytes = region.view(Uint8Array)
      bytes.set(pattern(size))
      const { instance, load, store, loadWord } = accessors(size)
      setWasmInstanceRawMemory(instance, region)
      for (const address of [0, 1, page - 1, page, size - 1]) {
        equal(load(address), bytes[address])
        store(address, 250 - (address % 7))
        equal(bytes[address], 250 - (address % 7))
      }
      equal(loadWord(12344), region.view(DataView).getInt32(12344, true))
    },
  },
  {
    name: 'stores of the host are seen',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const { instance, load } = accessors(size)
      setWasmInstanceRawMemory(instance, region)
      equal(load(123), 0)
      region.view(Uint8Array)[123] = 45
      equal(load(123), 45)
    },
  },
  {
    name: "detaching brings back the memory's own bytes",
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(4 * size))
      const instance = instantiate(accessors(2))
      const { load, store, memory } = instance.exports
      const other = instantiate(accessors(2)).exports
      const own = pattern(2 * size, 5)
      new Uint8Array(memory.buffer).set(own)
      for (const windows of [[2 * size], [2 * size, 3 * size - page, 2 * size]]) {
        for (const length of windows) {
          // Of all lengths that the backends allow for a memory of two pages.
          const window = region.subarray(0, Math.min(length, 2 * size))
          setWasmInstanceRawMemory(instance, window)
          equal(load(7), region.view(Uint8Array)[7])
          store(7, 99)
          // Another instance of the module has its own memory still.
          equal(other.load(7), 0)
        }
        setWasmInstanceRawMemory(instance, null)
        deepEqual(new Uint8Array(memory.buffer), own)
        equal(load(7), own[7])
        equal(region.view(Uint8Array)[7], 99)
      }
    },
  },
  {
    name: 'a part of a region',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(4 * size))
      region.view(Uint8Array).set(pattern(4 * size))
      const { instance, load, loadWord } = accessors(size)
      for (const begin of [size, page, 3 * size]) {
        setWasmInstanceRawMemory(instance, region.subarray(begin, begin + size))
        equal(load(0), region.view(Uint8Array)[begin])
        equal(load(size - 1), region.view(Uint8Array)[begin + size - 1])
        equal(loadWord(100), region.view(DataView).getInt32(begin + 100, true))
      }
    },
  },
  {
    name: 'a window that begins anywhere',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(4 * size))
      region.view(Uint8Array).set(pattern(4 * size))
      const { instance, load, store } = accessors(2 * size)
      for (const begin of [1, 4097, 65535]) {
        setWasmInstanceRawMemory(instance, region.subarray(begin, begin + 2 * size))
        for (const address of [0, 1, 4096, 2 * size - 1]) {
          equal(load(address), region.view(Uint8Array)[begin + address])
        }
        store(1, 250)
        equal(region.view(Uint8Array)[begin + 1], 250)
      }
    },
    differs: {
      'node-rewire': {
        says: 'at a page',
        refuses: new RegExp(
          `^RangeError: region: .* must begin at a multiple of ${page} bytes .* begins at 1$`,
        ),
      },
      ...onlyAtMultiplesOf8,
    },
  },
  {
    name: 'the last window of a region, of any length',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size + 12345))
      region.view(Uint8Array).set(pattern(size + 12345))
      const { instance, load, store } = accessors(size)
      setWasmInstanceRawMemory(instance, region.subarray(size))
      equal(load(12344), region.view(Uint8Array)[size + 12344])
      store(12344, 1)
      equal(region.view(Uint8Array)[size + 12344], 1)
    },
  },
  {
    name: 'a window that ends anywhere',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(4 * size))
      const { instance, store } = accessors(2 * size)
      setWasmInstanceRawMemory(instance, region.subarray(0, size + 12345))
      store(size + 12344, 1)
      throws(() => store(size + 12345, 1), { message: 'memory access out of bounds' })
      equal(region.view(Uint8Array)[size + 12345], 0)
    },
    differs: {
      'node-rewire': {
        says: "at a page, or the region's end",
        refuses: new RegExp(
          `^RangeError: region: .* length must be a multiple of ${page} bytes, or reach to the end`,
        ),
      },
    },
  },
  {
    name: 'an empty region',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(0))
      const { instance, load } = accessors(0)
      setWasmInstanceRawMemory(instance, region)
      throws(() => load(0), { message: 'memory access out of bounds' })
      throws(() => region.close())
      setWasmInstanceRawMemory(instance, null)
    },
  },
  {
    name: 'a region larger than the memory',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(8 * size))
      const instance = instantiate(accessors(1))
      setWasmInstanceRawMemory(instance, region)
      instance.exports.store(8 * size - 1, 3)
      equal(region.view(Uint8Array)[8 * size - 1], 3)
    },
    differs: {
      'node-rewire': {
        says: "up to the memory's size",
        refuses:
          /^RangeError: region: .* it has 65536 bytes, the region 524288: declare at least 8/,
      },
    },
  },
  {
    name: 'a region smaller than the memory declares',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      // The whole memory stays: the rest is its own.
      const region = keep(HostRegion.allocate(size))
      const instance = instantiate(accessors(2))
      const { load, store } = instance.exports
      store(0, 1)
      store(size, 2)
      setWasmInstanceRawMemory(instance, region)
      equal(load(0), 0)
      equal(load(size), 2)
    },
    differs: {
      patched: { says: 'refused', refuses: /^RangeError: region must have at least/ },
      'node-raw': { says: 'refused', refuses: /^RangeError: region must have at least/ },
    },
  },
  {
    name: 'windows switched inside an import (loops, callees, tables)',
    check: (kit) => windows(kit),
  },
  {
    name: 'the same where initial is maximum',
    check: (kit) => windows(kit, `${kit.initial(size)} ${kit.initial(size)}`),
  },
  {
    name: 'a memory that is not exported',
    check({ HostRegion, region: keep, initial, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      region.view(Uint8Array).set(pattern(size, 3))
      const instance = instantiate(`(module (memory ${initial(size)})
        (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`)
      setWasmInstanceRawMemory(instance, region)
      equal(instance.exports.load(size - 1), region.view(Uint8Array)[size - 1])
      setWasmInstanceRawMemory(instance, null)
    },
  },
  {
    name: 'a memory that is imported',
    check({ HostRegion, region: keep, initial, instantiate, setWasmInstanceRawMemory, ...kit }) {
      const region = keep(HostRegion.allocate(size))
      region.view(Uint8Array).set(pattern(size, 3))
      const pages = initial(size)
      const memory = new kit.WebAssembly.Memory({ initial: pages })
      const text = accessors(pages, `(import "env" "memory" (memory ${pages}))`)
      const { load } = (() => {
        const instance = instantiate(text, { env: { memory } })
        setWasmInstanceRawMemory(instance, region)
        return instance.exports
      })()
      equal(load(size - 1), region.view(Uint8Array)[size - 1])
    },
  },
  {
    name: 'memory 1 of two',
    needs: '(module (memory 0) (memory 0))',
    check({ HostRegion, region: keep, initial, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      region.view(Uint8Array).set(pattern(size, 3))
      const instance = instantiate(`(module
        (memory $own (export "own") 1) (memory $data (export "data") ${initial(size)})
        (func (export "load") (param i32) (result i32) (i32.load8_u $data (local.get 0)))
        (func (export "copy") (param i32 i32 i32)
          (memory.copy $own $data (local.get 0) (local.get 1) (local.get 2)))
        (func (export "own load") (param i32) (result i32) (i32.load8_u $own (local.get 0))))`)
      setWasmInstanceRawMemory(instance, region, 1)
      const { load, copy, 'own load': ownLoad } = instance.exports
      equal(load(1000), region.view(Uint8Array)[1000])
      equal(ownLoad(1000), 0)
      copy(0, 65000, 536)
      equal(ownLoad(535), region.view(Uint8Array)[65535])
      setWasmInstanceRawMemory(instance, null, 1)
      throws(() => setWasmInstanceRawMemory(instance, region, 2), { name: 'RangeError' })
    },
  },
  {
    name: 'another instance on the same memory is not affected',
    check({ HostRegion, region: keep, initial, compile, setWasmInstanceRawMemory, WebAssembly }) {
      const region = keep(HostRegion.allocate(size))
      const pages = initial(size) || 1
      const memory = new WebAssembly.Memory({ initial: pages })
      const module = compile(accessors(1, `(import "env" "memory" (memory ${pages}))`))
      const first = new WebAssembly.Instance(module, { env: { memory } })
      const second = new WebAssembly.Instance(module, { env: { memory } })
      region.view(Uint8Array)[5] = 55
      setWasmInstanceRawMemory(first, region)
      equal(first.exports.load(5), 55)
      equal(second.exports.load(5), 0)
      second.exports.store(5, 66)
      equal(region.view(Uint8Array)[5], 55)
    },
    differs: {
      'node-rewire': {
        says: 'all show the window',
        check({ HostRegion, region: keep, compile, setWasmInstanceRawMemory, WebAssembly }) {
          const region = keep(HostRegion.allocate(size))
          const memory = new WebAssembly.Memory({ initial: 1 })
          const module = compile(accessors(1, '(import "env" "memory" (memory 1))'))
          const first = new WebAssembly.Instance(module, { env: { memory } })
          const second = new WebAssembly.Instance(module, { env: { memory } })
          setWasmInstanceRawMemory(first, region)
          second.exports.store(5, 66)
          equal(first.exports.load(5), 66)
          equal(region.view(Uint8Array)[5], 66)
          setWasmInstanceRawMemory(second, null)
          equal(first.exports.load(5), 0)
        },
      },
    },
  },
  {
    name: 'a module that Node compiled before',
    check({ HostRegion, region: keep, initial, compile, setWasmInstanceRawMemory, ...kit }) {
      const region = keep(HostRegion.allocate(size))
      region.view(Int32Array).set([1, 2, 3])
      const text = switching(initial(size), `${initial(size)} ${initial(size)}`)
      // With all of its functions compiled, under whatever flags were set.
      const { WebAssembly: native } = globalThis as unknown as {
        WebAssembly: typeof kit.WebAssembly
      }
      const module = compile(text)
      const foreign = new native.Module(kit.wat(text))
      const imports = { env: { switch: () => setWasmInstanceRawMemory(instance, region) } }
      const before = new native.Instance(foreign, { env: { switch() {} } })
      throws(() => setWasmInstanceRawMemory(before, region), { name: 'TypeError' })
      const instance = new kit.WebAssembly.Instance(module, imports)
      setWasmInstanceRawMemory(instance, region.subarray(0, size))
      equal(instance.exports.direct(), 0)
      notEqual(instance.exports.inLoop(3), 0)
    },
  },
]
