import { AssertionError, deepEqual, equal, match, rejects, throws } from 'node:assert/strict'
import { accessors, type Feature, pattern } from '../feature.ts'

const size = 65536
const GiB = 2 ** 30
const outOfBounds = { name: 'RuntimeError', message: 'memory access out of bounds' }

/** A sparse region of that length, first and last bytes by a 32-bit memory. */
const large = (length: number): Feature['check'] =>
  function check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
    const region = keep(HostRegion.allocate(length))
    const { instance, load, store, copy } = accessors(length)
    setWasmInstanceRawMemory(instance, region)
    for (const address of [0, 2 * GiB, length - 1]) {
      store(address, 1 + (address % 200))
      equal(load(address), 1 + (address % 200))
      equal(region.subarray(address).view(Uint8Array, 0, 1)[0], 1 + (address % 200))
    }
    copy(length - 5, length - 1, 1)
    equal(load(length - 5), load(length - 1))
    setWasmInstanceRawMemory(instance, null)
  }

/** Runs an access at the end of a window of `size + 1000` bytes, the last of its region. */
const atTheEnd = (
  access: (accessors: ReturnType<Parameters<Feature['check']>[0]['accessors']>, at: number) => void,
  width: number,
): Pick<Feature, 'check' | 'differs'> => {
  const length = size + 1000
  return {
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(length))
      const instance = accessors(length)
      setWasmInstanceRawMemory(instance.instance, region)
      access(instance, length - width)
      throws(() => access(instance, length - width + 1), outOfBounds)
      throws(() => access(instance, -1), outOfBounds)
    },
    differs: {
      'node-rewire': {
        says: "the memory's end",
        check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
          const region = keep(HostRegion.allocate(length))
          const instance = accessors(length)
          setWasmInstanceRawMemory(instance.instance, region)
          access(instance, length - width)
          access(instance, length)
          access(instance, 2 * size - width)
          throws(() => access(instance, 2 * size - width + 1), outOfBounds)
          throws(() => access(instance, -1), outOfBounds)
          // What is behind the window is the memory's own.
          setWasmInstanceRawMemory(instance.instance, null)
          equal(region.byteLength, length)
        },
      },
    },
  }
}

/** A module that imports a memory by limits of any form. */
const importing = (...limits: readonly number[]) =>
  new Uint8Array([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...[2, 6 + limits.length, 1, 1, 0x65, 1, 0x6d, 2, ...limits],
  ])

// biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
const node = (globalThis as any).WebAssembly

/** The error that it gives, at once or later. */
async function attempt(run: () => unknown): Promise<Error> {
  try {
    await run()
  } catch (error) {
    return error as Error
  }
  throw new AssertionError({ message: 'nothing was thrown' })
}

export const memories: Feature[] = [
  {
    name: 'loads and stores trap behind the last byte',
    ...atTheEnd(({ loadWord }, at) => void loadWord(at), 4),
  },
  {
    name: 'memory.fill traps behind the last byte',
    ...atTheEnd(({ fill }, at) => fill(at, 1, 8), 8),
  },
  {
    name: 'memory.copy traps behind the last byte',
    ...atTheEnd(({ copy }, at) => copy(at, 0, 8), 8),
  },
  {
    name: 'memory.init traps behind the last byte',
    ...atTheEnd(({ init }, at) => init(at), 4),
  },
  {
    name: 'SIMD traps behind the last byte',
    ...atTheEnd(({ storeVector }, at) => storeVector(at, 1n), 16),
  },
  {
    name: 'memory.fill, copy and init work on the region',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const { instance, fill, copy, init } = accessors(size)
      setWasmInstanceRawMemory(instance, region)
      fill(100, 7, 50)
      copy(200, 120, 50)
      init(300)
      const bytes = region.view(Uint8Array)
      equal(bytes[149], 7)
      equal(bytes[150], 0)
      equal(bytes[229], 7)
      equal(bytes[230], 0)
      equal(region.view(DataView).getUint32(300), 0x01020304)
    },
  },
  {
    name: 'SIMD and atomics work on the region',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const { instance, loadVector, storeVector, atomicAdd } = accessors(size)
      setWasmInstanceRawMemory(instance, region)
      storeVector(1001, 0x0102030405060708n)
      equal(region.view(DataView).getBigInt64(1009, true), 0x0102030405060708n)
      equal(loadVector(1001), 0x0102030405060708n)
      equal(atomicAdd(64, 5), 0)
      equal(atomicAdd(64, 5), 5)
      equal(region.view(Int32Array)[16], 10)
      throws(() => atomicAdd(66, 1), { name: 'RuntimeError' })
    },
  },
  { name: 'a window of 3 GiB and 12345 bytes', check: large(3 * GiB + 12345) },
  { name: 'a window of 4 GiB', check: large(4 * GiB) },
  {
    name: 'a 64-bit memory',
    needs: '(module (memory i64 0))',
    check({ HostRegion, region: keep, initial, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      region.view(Uint8Array).set(pattern(size, 3))
      const instance = instantiate(`(module (memory (export "memory") i64 ${initial(size)})
        (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
        (func (export "size") (result i64) memory.size))`)
      setWasmInstanceRawMemory(instance, region)
      equal(instance.exports.load(65535n), region.view(Uint8Array)[65535])
      throws(() => instance.exports.load(65536n), outOfBounds)
      throws(() => instance.exports.load(1n << 40n), outOfBounds)
      equal(instance.exports.size(), 1n)
    },
  },
  {
    name: 'a 64-bit memory, a window of 6 GiB',
    needs: '(module (memory i64 0))',
    check({ HostRegion, region: keep, initial, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(6 * GiB))
      const instance = instantiate(`(module (memory i64 ${initial(6 * GiB)})
        (func (export "load") (param i64) (result i32) (i32.load8_u (local.get 0)))
        (func (export "store") (param i64 i32) (i32.store8 (local.get 0) (local.get 1))))`)
      setWasmInstanceRawMemory(instance, region)
      instance.exports.store(BigInt(6 * GiB - 1), 200)
      equal(region.subarray(6 * GiB - 1).view(Uint8Array)[0], 200)
      throws(() => instance.exports.load(BigInt(6 * GiB)), outOfBounds)
    },
  },
  {
    name: 'memory.size',
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(3 * size + 100))
      const { instance, size: pages } = accessors(3 * size + 100)
      setWasmInstanceRawMemory(instance, region)
      equal(pages(), 3)
      setWasmInstanceRawMemory(instance, null)
      equal(pages(), 0)
    },
    differs: {
      'node-rewire': {
        says: "the memory's own",
        check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory }) {
          const region = keep(HostRegion.allocate(3 * size + 100))
          const { instance, size: pages } = accessors(3 * size + 100)
          setWasmInstanceRawMemory(instance, region)
          equal(pages(), 4)
        },
      },
    },
  },
  {
    name: 'memory.grow in the module, while attached',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const instance = instantiate(accessors(1))
      const { load, store, grow } = instance.exports
      store(9, 9)
      region.view(Uint8Array)[9] = 99
      setWasmInstanceRawMemory(instance, region)
      equal(grow(1), -1)
      equal(load(9), 99)
      throws(() => load(size), outOfBounds)
      setWasmInstanceRawMemory(instance, null)
      equal(load(9), 9)
      equal(grow(1), 1)
    },
    differs: {
      'node-rewire': {
        says: 'grows behind the window',
        check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
          const region = keep(HostRegion.allocate(size))
          const instance = instantiate(accessors(1))
          const { load, store, grow, memory } = instance.exports
          store(9, 9)
          region.view(Uint8Array)[9] = 99
          setWasmInstanceRawMemory(instance, region)
          equal(grow(100), 1)
          equal(load(9), 99)
          store(10, 98)
          equal(region.view(Uint8Array)[10], 98)
          equal(load(101 * size - 1), 0)
          store(101 * size - 1, 5)
          equal(new Uint8Array(memory.buffer)[10], 98)
          // A window into what has grown.
          const larger = keep(HostRegion.allocate(50 * size))
          setWasmInstanceRawMemory(instance, larger)
          store(50 * size - 1, 6)
          equal(larger.view(Uint8Array)[50 * size - 1], 6)
          setWasmInstanceRawMemory(instance, null)
          equal(load(9), 9)
          equal(load(10), 0)
          equal(load(50 * size - 1), 0)
          equal(load(101 * size - 1), 5)
        },
      },
    },
  },
  {
    name: 'Memory.grow(), while an instance is attached',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const instance = instantiate(accessors(1))
      const { load, size: pages, memory } = instance.exports
      region.view(Uint8Array)[9] = 99
      setWasmInstanceRawMemory(instance, region)
      equal(memory.grow(1), 1)
      equal(pages(), 1)
      equal(load(9), 99)
      throws(() => load(size), outOfBounds)
      setWasmInstanceRawMemory(instance, null)
      equal(pages(), 2)
      equal(load(2 * size - 1), 0)
    },
    differs: {
      'node-rewire': {
        says: 'refused',
        refuses: /^RangeError: WebAssembly\.Memory\.grow\(\): a HostRegion is attached/,
      },
    },
  },
  {
    name: 'growth before attaching',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(5 * size))
      const instance = instantiate(accessors(1))
      const { load, store, grow, memory } = instance.exports
      store(1, 11)
      equal(grow(2), 1)
      equal(memory.grow(2), 3)
      store(5 * size - 1, 12)
      setWasmInstanceRawMemory(instance, region)
      store(5 * size - 1, 13)
      equal(region.view(Uint8Array)[5 * size - 1], 13)
      setWasmInstanceRawMemory(instance, null)
      equal(load(1), 11)
      equal(load(5 * size - 1), 12)
    },
  },
  {
    name: 'the declared maximum of an imported memory',
    async check({
      HostRegion,
      region: keep,
      compile,
      name,
      setWasmInstanceRawMemory,
      wat,
      WebAssembly,
    }) {
      const text = accessors(1, '(import "e" "f" (func)) (import "e" "m" (memory 1 2))')
      const module = compile(text)
      const own = new node.Module(wat(text))
      const given = (maximum?: number) => {
        const m = new WebAssembly.Memory(
          maximum === undefined ? { initial: 1 } : { initial: 1, maximum },
        )
        return { e: { f() {}, m } }
      }
      for (const imports of [given(), given(3)]) {
        const refusal = async (run: () => unknown) => {
          const { name, message } = await attempt(run)
          equal(name, 'LinkError')
          match(message, /memory import .*(has no|has a larger) maximum/)
          return message
        }
        const messages = [
          await refusal(() => new WebAssembly.Instance(module, imports)),
          await refusal(() => WebAssembly.instantiate(module, imports)),
        ]
        if (name !== 'patched') {
          deepEqual(messages, [
            await refusal(() => new node.Instance(own, imports)),
            await refusal(() => node.instantiate(own, imports)),
          ])
        }
        // While a region is attached to an instance that allows for more, that memory cannot grow.
        const attached = new WebAssembly.Instance(
          compile(accessors(1, '(import "e" "m" (memory 1))')),
          imports,
        )
        setWasmInstanceRawMemory(attached, keep(HostRegion.allocate(size)))
        equal(await refusal(() => new WebAssembly.Instance(module, imports)), messages[0])
        setWasmInstanceRawMemory(attached, null)
        equal(imports.e.m.grow(2), 1)
      }
      for (const maximum of [1, 2]) {
        const imports = given(maximum)
        equal(new WebAssembly.Instance(module, imports).exports.size(), 1)
        equal((await WebAssembly.instantiate(module, imports)).exports.size(), 1)
        const shown = new WebAssembly.Instance(module, imports)
        setWasmInstanceRawMemory(shown, keep(HostRegion.allocate(size)))
        equal(new WebAssembly.Instance(module, imports).exports.size(), 1)
        setWasmInstanceRawMemory(shown, null)
      }
    },
  },
  {
    name: 'limits of an imported memory that are not valid',
    async check({ WebAssembly }) {
      equal(WebAssembly.validate(importing(1, 1, 0x80, 0x80, 4)), true)
      for (const limits of [
        // A maximum of 65537 pages, a minimum beyond the maximum, numbers of too many bytes.
        [1, 1, 0x81, 0x80, 4],
        [1, 2, 1],
        [0, 0x81, 0x80, 0x80, 0x80, 0x80, 0],
        [1, 1, 0x82, 0x80, 0x80, 0x80, 0x80, 0],
      ]) {
        const bytes = importing(...limits)
        equal(WebAssembly.validate(bytes), false)
        throws(() => new WebAssembly.Module(bytes), { name: 'CompileError' })
        await rejects(WebAssembly.compile(bytes), { name: 'CompileError' })
      }
    },
  },
  {
    name: 'Memory.attach(), and buffer aliases the region',
    check({ HostRegion, region: keep, instantiate }) {
      const region = keep(HostRegion.allocate(size))
      const instance = instantiate(accessors(1))
      const { load, store, memory } = instance.exports
      store(0, 1)
      memory.attach(region)
      store(0, 2)
      equal(region.view(Uint8Array)[0], 2)
      equal(new Uint8Array(memory.buffer)[0], 2)
      new Uint8Array(memory.buffer)[1] = 3
      equal(load(1), 3)
      equal(region.view(Uint8Array)[1], 3)
      memory.attach(null)
      equal(load(0), 1)
      equal(new Uint8Array(memory.buffer)[0], 1)
    },
    differs: {
      'node-raw': { says: 'refused', refuses: /^TypeError: attach: the backend 'node-raw' cannot/ },
    },
  },
  {
    name: 'new Memory({ host: region })',
    check({ HostRegion, region: keep, instantiate, WebAssembly }) {
      const region = keep(HostRegion.allocate(2 * size))
      region.view(Uint8Array)[2 * size - 1] = 7
      const memory = new WebAssembly.Memory({ host: region })
      equal(memory.buffer.byteLength, 2 * size)
      const first = instantiate(accessors(0, '(import "env" "memory" (memory 0))'), {
        env: { memory },
      })
      equal(first.exports.load(2 * size - 1), 7)
      first.exports.store(0, 9)
      equal(region.view(Uint8Array)[0], 9)
      equal(first.exports.size(), 2)
      throws(() => memory.grow(1), { name: 'RangeError' })
    },
    differs: {
      'node-raw': { says: 'refused', refuses: /^TypeError: host: the backend 'node-raw' cannot/ },
    },
  },
  {
    name: 'buffer of the memory of an attached instance',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      region.view(Uint8Array)[0] = 5
      const instance = instantiate(accessors(1))
      const { load, memory } = instance.exports
      const { buffer } = memory
      new Uint8Array(buffer)[0] = 55
      setWasmInstanceRawMemory(instance, region)
      equal(memory.buffer, buffer)
      equal(new Uint8Array(buffer)[0], 55)
      equal(load(0), 5)
    },
    differs: {
      'node-rewire': {
        says: 'shows the window',
        check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory }) {
          const region = keep(HostRegion.allocate(size))
          region.view(Uint8Array)[0] = 5
          const instance = instantiate(accessors(1))
          const { buffer } = instance.exports.memory
          setWasmInstanceRawMemory(instance, region)
          equal(new Uint8Array(buffer)[0], 5)
          equal(instance.exports.memory.buffer, buffer)
        },
      },
    },
  },
  {
    name: 'shared memories are refused',
    check({ HostRegion, region: keep, instantiate, setWasmInstanceRawMemory, WebAssembly }) {
      const region = keep(HostRegion.allocate(size))
      throws(
        () => {
          const instance = instantiate('(module (memory (export "memory") 1 1 shared))')
          setWasmInstanceRawMemory(instance, region)
        },
        { name: 'TypeError', message: /shared/ },
      )
      throws(() => new WebAssembly.Memory({ host: region, shared: true, initial: 1, maximum: 1 }), {
        name: 'TypeError',
      })
    },
  },
]
