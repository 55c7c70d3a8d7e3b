// What is particular to node-rewire: pages of the memory are moved away and back.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { openBackend } from 'v8-rawmem'
import { closeOnceCollected, collectUntil } from '../support/collect-garbage.ts'
import { systemPage } from '../support/page-size.ts'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'
import { pattern } from './feature.ts'

const { WebAssembly, HostRegion, setWasmInstanceRawMemory } = openBackend('node-rewire')

const page = systemPage
const wasmPage = 65536

const module = new WebAssembly.Module(
  wat(`(module (memory (export "memory") 4 64)
    (func (export "store") (param i32 i32) (i32.store8 (local.get 0) (local.get 1)))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`),
)

/** Numbers that look random and are the same every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0

for (const seed of [1, 2, 3]) {
  test(`windows, growth and stores in any order leave every byte in its place (${seed})`, (t) => {
    const below = numbers(seed)
    const instance = new WebAssembly.Instance(module)
    const { store, load, grow, memory } = instance.exports
    // What there should be: the memory's own bytes, and those of two regions.
    let own = pattern(4 * wasmPage, seed)
    new Uint8Array(memory.buffer).set(own)
    const regions = [8, 24].map((pages) => {
      const region = HostRegion.allocate(pages * wasmPage)
      region.view(Uint8Array).set(pattern(region.byteLength, seed + pages))
      return { region, bytes: pattern(region.byteLength, seed + pages) }
    })
    let shown: { bytes: Uint8Array; begin: number; end: number } | undefined
    const at = (address: number) =>
      shown !== undefined && address < shown.end - shown.begin
        ? ([shown.bytes, shown.begin + address] as const)
        : ([own, address] as const)
    for (let step = 0; step < 400; step++) {
      const choice = below(10)
      if (choice < 3) {
        const { region, bytes } = regions[below(2)] as (typeof regions)[number]
        const begin = below(bytes.length / page) * page
        const room = Math.min(bytes.length - begin, own.length)
        const end = begin + (1 + below(room / page)) * page
        setWasmInstanceRawMemory(instance, region.subarray(begin, end))
        shown = { bytes, begin, end }
      } else if (choice === 3) {
        setWasmInstanceRawMemory(instance, null)
        shown = undefined
      } else if (choice === 4 && own.length < 16 * wasmPage) {
        t.is(grow(1), own.length / wasmPage)
        const larger = new Uint8Array(own.length + wasmPage)
        larger.set(own)
        own = larger
      } else {
        const address = below(own.length)
        const [bytes, index] = at(address)
        t.is(load(address), bytes[index])
        store(address, step)
        bytes[index] = step
      }
    }
    setWasmInstanceRawMemory(instance, null)
    t.true(same(new Uint8Array(memory.buffer), own))
    for (const { region, bytes } of regions) {
      t.true(same(region.view(Uint8Array), bytes))
      region.close()
    }
  })
}

test('a memory that is collected while attached leaves the region alone, and its address to others', async (t) => {
  const region = HostRegion.allocate(4 * wasmPage)
  const expected = pattern(4 * wasmPage)
  region.view(Uint8Array).set(expected)
  const references: WeakRef<object>[] = []
  ;(() => {
    for (let i = 0; i < 8; i++) {
      const instance = new WebAssembly.Instance(module)
      setWasmInstanceRawMemory(instance, region)
      references.push(new WeakRef(instance))
    }
  })()
  t.true(await collectUntil(() => references.every((reference) => !reference.deref())))
  for (let i = 0; i < 8; i++) {
    const { memory } = new WebAssembly.Instance(module).exports
    const bytes = new Uint8Array(memory.buffer)
    t.true(bytes.every((byte) => byte === 0))
    bytes.fill(255)
  }
  t.true(same(region.view(Uint8Array), expected))
  t.true(await closeOnceCollected(region))
})

test('buffer outlives the memory and the region it shows', async (t) => {
  const { buffer, reference } = (() => {
    const instance = new WebAssembly.Instance(module)
    const region = HostRegion.allocate(wasmPage)
    region.view(Uint8Array)[1] = 11
    setWasmInstanceRawMemory(instance, region)
    return { buffer: instance.exports.memory.buffer, reference: new WeakRef(instance) }
  })()
  await collectUntil(() => reference.deref() === undefined)
  t.is(new Uint8Array(buffer)[1], 11)
  new Uint8Array(buffer).fill(1)
  t.is(new Uint8Array(buffer)[4 * wasmPage - 1], 1)
})

test('windows leave no mappings behind', (t) => {
  const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\n').length
  const region = HostRegion.allocate(4 * wasmPage)
  const instance = new WebAssembly.Instance(module)
  const round = () => {
    for (const length of [1, 64, 3, 32, 5]) {
      setWasmInstanceRawMemory(instance, region.subarray(0, length * page))
    }
    setWasmInstanceRawMemory(instance, null)
  }
  round()
  const before = mappings()
  const rounds = 300
  for (let i = 0; i < rounds; i++) round()
  const after = mappings()
  // Node's heap has some more meanwhile.
  t.true(after - before < rounds / 3, `${before} mappings, then ${after}`)
  region.close()
})

test('a memory that the engine has to move when it grows gets its own bytes back', async (t) => {
  const { stdout, stderr, exitCode } = await runScript(
    new URL('./moved-memory.ts', import.meta.url),
  )
  t.is(exitCode, 0, stderr)
  // Most releases never move a memory; which of the three comes about depends on the release.
  t.true(
    [
      'not moved: no such memory',
      'not moved: the memory cannot grow',
      'moved: its own bytes are back',
    ].includes(stdout.trim()),
    stdout,
  )
})

test('a region may have as many bytes as the memory, and not one more', (t) => {
  const instance = new WebAssembly.Instance(module)
  const region = HostRegion.allocate(4 * wasmPage + 1)
  t.throws(() => setWasmInstanceRawMemory(instance, region), {
    instanceOf: RangeError,
    message: /has 262144 bytes, the region 262145: declare at least 5 pages as initial$/,
  })
  setWasmInstanceRawMemory(instance, region.subarray(0, 4 * wasmPage))
  setWasmInstanceRawMemory(instance, null)
  region.close()
})

test('attaching needs a region whose last page nobody else has', (t) => {
  const instance = new WebAssembly.Instance(module)
  const region = HostRegion.allocate(2 * page + 10)
  setWasmInstanceRawMemory(instance, region)
  setWasmInstanceRawMemory(instance, region.subarray(page))
  t.throws(() => setWasmInstanceRawMemory(instance, region.subarray(0, 2 * page + 9)), {
    instanceOf: RangeError,
    message: new RegExp(
      `must be a multiple of ${page} bytes, or reach to the end .* it is ${2 * page + 9}$`,
    ),
  })
  // What was attached before still is.
  region.view(Uint8Array)[page] = 9
  t.is(instance.exports.load(0), 9)
  setWasmInstanceRawMemory(instance, null)
  region.close()
})

test('a window that cannot be taken away for want of file descriptors can be later', async (t) => {
  const { exitCode, stdout, stderr } = await runScript(
    new URL('scarce-descriptors.ts', import.meta.url),
  )
  t.is(exitCode, 0, stderr)
  t.is(
    stdout,
    'region: the system could not tell which pages were stored into: Too many open files; then 1\n',
  )
})
