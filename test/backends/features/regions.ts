import { deepEqual, equal, throws } from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { closeOnceCollected, collectUntil } from '../../support/collect-garbage.ts'
import { systemPage } from '../../support/page-size.ts'
import { startWorker } from '../../support/start-worker.ts'
import { accessors, type Feature, type Kit, onlyAtMultiplesOf8, pattern } from '../feature.ts'

const size = 65536
const mapsPages = "^TypeError: region: the backend 'node-rewire' maps pages"
const pinned = { says: 'refused', refuses: new RegExp(mapsPages) }

/** Loads and stores at both ends of a region of one page that begins with `pattern(size, 1)`. */
function readsAndWrites(kit: Kit, region: ReturnType<Kit['HostRegion']['allocate']>): void {
  const { instance, load, store } = kit.accessors(size)
  kit.setWasmInstanceRawMemory(instance, region)
  equal(load(0), pattern(1, 1)[0])
  equal(load(size - 1), pattern(size, 1)[size - 1])
  store(size - 1, 100)
  equal(region.view(Uint8Array)[size - 1], 100)
  kit.setWasmInstanceRawMemory(instance, null)
}

/** As `WebAssembly` of a worker that opens the region of this thread. */
async function onWorker(kit: Kit, data: object): Promise<unknown> {
  const worker = startWorker(new URL('../worker.ts', import.meta.url), {
    backend: kit.name,
    module: kit.wat(accessors(kit.initial(size))),
    ...data,
  })
  const exited = once(worker, 'exit')
  const [answer] = await once(worker, 'message')
  await exited
  return answer
}

export const regions: Feature[] = [
  {
    name: 'a region of plain HostRegion.allocate',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(size, { shareable: false }))
      region.view(Uint8Array).set(pattern(size, 1))
      readsAndWrites(kit, region)
    },
    differs: {
      'node-rewire': {
        says: 'only { shareable: true }',
        refuses: /^TypeError: region: .* make it with the HostRegion of openBackend/,
      },
    },
  },
  {
    name: 'a file, copy-on-write: stores are seen by the host',
    check(kit) {
      const path = kit.file(pattern(size + 100, 1))
      const region = kit.region(kit.HostRegion.mapFile(path))
      const { instance, load, store } = kit.accessors(size + 100)
      kit.setWasmInstanceRawMemory(instance, region)
      equal(load(size + 99), pattern(size + 100, 1)[size + 99])
      store(0, 200)
      equal(region.view(Uint8Array)[0], 200)
      kit.setWasmInstanceRawMemory(instance, null)
      equal(region.view(Uint8Array)[0], 200)
      deepEqual(new Uint8Array(readFileSync(path)), pattern(size + 100, 1))
    },
    differs: {
      'node-rewire': {
        says: 'after detaching',
        check(kit) {
          const path = kit.file(pattern(size + 100, 1))
          const region = kit.region(kit.HostRegion.mapFile(path))
          const bytes = region.view(Uint8Array)
          bytes[4096] = 201
          const { instance, load, store } = kit.accessors(size + 100)
          kit.setWasmInstanceRawMemory(instance, region)
          equal(load(4096), 201)
          equal(load(size + 99), pattern(size + 100, 1)[size + 99])
          store(0, 200)
          store(size + 99, 202)
          store(4097, 203)
          equal(bytes[0], pattern(1, 1)[0])
          kit.setWasmInstanceRawMemory(instance, null)
          deepEqual([bytes[0], bytes[size + 99], bytes[4096], bytes[4097]], [200, 202, 201, 203])
          kit.setWasmInstanceRawMemory(instance, region)
          deepEqual([load(0), load(size + 99), load(4096)], [200, 202, 201])
          deepEqual(new Uint8Array(readFileSync(path)), pattern(size + 100, 1))
        },
      },
    },
  },
  {
    name: 'a file, writable',
    check(kit) {
      const path = kit.file(pattern(size + 100, 1))
      const region = kit.region(kit.HostRegion.mapFile(path, { writable: true }))
      const { instance, load, store } = kit.accessors(size + 100)
      kit.setWasmInstanceRawMemory(instance, region)
      equal(load(size + 99), pattern(size + 100, 1)[size + 99])
      store(size + 99, 200)
      store(0, 201)
      equal(region.view(Uint8Array)[0], 201)
      const bytes = readFileSync(path)
      deepEqual([bytes.length, bytes[0], bytes[size + 99]], [size + 100, 201, 200])
    },
  },
  {
    name: 'a part of a writable file that ends anywhere',
    check(kit) {
      const path = kit.file(pattern(size + 100, 1))
      const region = kit.region(kit.HostRegion.mapFile(path, { writable: true, length: size + 50 }))
      const { instance, store } = kit.accessors(size + 50)
      kit.setWasmInstanceRawMemory(instance, region)
      throws(() => store(size + 50, 1))
    },
    differs: {
      'node-rewire': {
        says: 'refused',
        refuses: new RegExp(
          `^RangeError: region: .* length must be a multiple of ${systemPage} bytes`,
        ),
      },
    },
  },
  {
    name: 'a file from any byte on',
    check(kit) {
      const path = kit.file(pattern(size + 100))
      const region = kit.region(kit.HostRegion.mapFile(path, { offset: 77 }))
      const { instance, load } = kit.accessors(size)
      kit.setWasmInstanceRawMemory(instance, region)
      equal(load(0), pattern(78)[77])
    },
    differs: {
      'node-rewire': {
        says: 'from a page on',
        refuses: new RegExp(
          `^RangeError: region: .* must begin at a multiple of ${systemPage} .* begins at 77$`,
        ),
      },
      ...onlyAtMultiplesOf8,
    },
  },
  {
    name: 'a borrowed ArrayBuffer',
    check(kit) {
      const bytes = new Uint8Array(size + 100)
      bytes.set(pattern(size, 1), 100)
      readsAndWrites(kit, kit.region(kit.HostRegion.from(bytes.subarray(100))))
      equal(bytes[size + 99], 100)
      readsAndWrites(kit, kit.region(kit.HostRegion.from(pattern(size, 1).buffer)))
    },
    differs: { 'node-rewire': pinned, ...onlyAtMultiplesOf8 },
  },
  {
    name: 'a borrowed SharedArrayBuffer',
    check(kit) {
      const buffer = new SharedArrayBuffer(size)
      new Uint8Array(buffer).set(pattern(size, 1))
      readsAndWrites(kit, kit.region(kit.HostRegion.from(buffer)) as never)
    },
    differs: { 'node-rewire': pinned },
  },
  {
    name: 'regions are of one class for all backends',
    check(kit) {
      const region = kit.region(kit.HostRegion.allocate(4 * size))
      equal(region.constructor, kit.HostRegion.prototype.constructor)
      equal(region instanceof (kit.HostRegion as never), true)
      region.view(Uint8Array).set(pattern(size, 1), size)
      readsAndWrites(kit, region.subarray(size, 2 * size))
    },
  },
  {
    name: 'close() while attached throws',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(2 * size))
      region.view(Uint8Array)[size] = 5
      const { instance, load } = accessors(size)
      setWasmInstanceRawMemory(instance, region.subarray(size))
      throws(() => region.close(), /detach it first/)
      equal(load(0), 5)
      setWasmInstanceRawMemory(instance, null)
      region.close()
      throws(() => setWasmInstanceRawMemory(instance, region), {
        name: 'TypeError',
        message: /closed/,
      })
    },
  },
  {
    name: 'the window that is replaced is released',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const first = keep(HostRegion.allocate(size))
      const second = keep(HostRegion.allocate(size))
      const { instance } = accessors(size)
      setWasmInstanceRawMemory(instance, first)
      setWasmInstanceRawMemory(instance, second)
      first.close()
      throws(() => second.close())
    },
  },
  {
    name: 'an instance that is collected releases the region',
    async check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      ;(() => {
        const { instance, store } = accessors(size)
        setWasmInstanceRawMemory(instance, region)
        store(5, 5)
      })()
      const closed = await closeOnceCollected(region)
      equal(closed, true)
    },
  },
  {
    name: 'a dropped region lives as long as it is attached',
    async check({ HostRegion, instantiate, setWasmInstanceRawMemory }) {
      const instance = instantiate(accessors(1))
      const { load, store } = instance.exports
      const reference = (() => {
        const region = HostRegion.allocate(size)
        region.view(Uint8Array)[3] = 33
        setWasmInstanceRawMemory(instance, region)
        return new WeakRef(region)
      })()
      await collectUntil(() => reference.deref() === undefined)
      equal(load(3), 33)
      store(4, 44)
      equal(load(4), 44)
      setWasmInstanceRawMemory(instance, null)
      equal(load(3), 0)
    },
  },
  {
    name: 'worker threads, over the region of another thread',
    async check(kit) {
      const region = kit.region(kit.HostRegion.allocate(size))
      region.view(Uint8Array).set(pattern(size, 1))
      const shared = region.share()
      equal(await onWorker(kit, { shared }), pattern(size, 1)[size - 1])
      // What the worker stored.
      equal(region.view(Uint8Array)[1], 111)
    },
  },
  {
    name: 'a worker that ends while attached',
    async check(kit) {
      const region = kit.region(kit.HostRegion.allocate(size))
      equal(await onWorker(kit, { shared: region.share(), leave: true }), 0)
      equal(region.view(Uint8Array)[1], 111)
      region.close()
    },
  },
]
