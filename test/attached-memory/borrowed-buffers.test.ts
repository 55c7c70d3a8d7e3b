import test from 'ava'
import { HostRegion, WebAssembly } from 'v8-rawmem'
import { growableMemory } from '../support/growable-memory.ts'
import { transfer } from '../support/transfer.ts'
import { wat } from '../support/wat.ts'
import { type Attach, attachBy, ways } from './targets.ts'
import { pageSize } from './tier.ts'

const takenAway = { instanceOf: TypeError, message: /transferred away/ }

const accessor = new WebAssembly.Module(
  wat(`(module
    (import "env" "nothing" (func $nothing))
    (import "env" "address" (func $address (result i32)))
    (import "env" "addresses" (func $addresses (result i32 i32)))
    (memory (export "memory") 1)
    (func $load (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "mark") (i32.store8 (i32.const 0) (i32.const 9)))
    (func (export "loadAtImported") (result i32) (call $load (call $address)))
    (func (export "loadAtSum") (result i32) (call $load (i32.add (call $addresses))))
    (func (export "loadAfterCaught") (result i32)
      (try (do (call $nothing)) (catch_all))
      (call $load (i32.const 0))))`),
)

/** Calls a function that it gets from an import. */
const caller = new WebAssembly.Module(
  wat(`(module
    (import "env" "load" (func $load (result funcref)))
    (table 1 funcref)
    (func (export "call") (result i32)
      (table.set (i32.const 0) (call $load))
      (call_indirect (param i32) (result i32) (i32.const 0) (i32.const 0))))`),
)

/** What WebAssembly takes for the number 0. */
function takingNumber(take: () => void): number {
  const number = {
    valueOf: () => {
      take()
      return 0
    },
  }
  return number as unknown as number
}

function* takingNumbers(take: () => void): Generator<number> {
  take()
  yield* [0, 0]
}

type Imports = (take: () => void) => object

interface Attached {
  readonly instance: WebAssembly.Instance
  /** Takes the bytes away: they stay where they are, so that using them shows. */
  take(): void
  /** The first of the bytes, which were all 7. */
  firstByte(): number | undefined
}

function attached(attach: Attach, imports: Imports = () => ({})): Attached {
  const memory = growableMemory()
  const take = () => void memory.grow(1)
  new Uint8Array(memory.buffer).fill(7)
  const env = { nothing: () => 0, address: () => 0, addresses: () => [0, 0], ...imports(take) }
  const instance = new WebAssembly.Instance(accessor, { env })
  attach(instance, HostRegion.from(memory.buffer))
  return { instance, take, firstByte: () => new Uint8Array(memory.buffer)[0] }
}

for (const way of ways) {
  const attach = attachBy[way]

  test(`by ${way}: a region that is refused afterwards does not bring back bytes that were taken away`, (t) => {
    const { instance, take } = attached(attach)
    const { load } = instance.exports
    t.is(load(0), 7)
    take()
    t.throws(() => load(0), takenAway)
    t.throws(() => attach(instance, HostRegion.allocate(8)), { instanceOf: RangeError })
    t.is(load(0), 0)
    attach(instance, null)
    t.is(load(0), 0)
  })

  test(`by ${way}: a region that is refused before anything was called leaves that to be noticed`, (t) => {
    const { instance, take } = attached(attach)
    take()
    t.throws(() => attach(instance, HostRegion.allocate(8)), { instanceOf: RangeError })
    t.throws(() => instance.exports.load(0), takenAway)
    t.is(instance.exports.load(0), 0)
  })

  test(`by ${way}: an import that takes the bytes away and throws is noticed by code that catches`, (t) => {
    const thrown = [new Error('after'), undefined, 1]
    for (const value of thrown) {
      const { instance } = attached(attach, (take) => ({
        nothing: () => {
          take()
          throw value
        },
      }))
      t.is(instance.exports.loadAfterCaught(), 0)
    }
  })

  test(`by ${way}: the conversion of an argument may take the bytes away`, (t) => {
    const { instance, take } = attached(attach)
    t.throws(() => instance.exports.load(takingNumber(take)), takenAway)
    t.is(instance.exports.load(0), 0)
  })

  test(`by ${way}: what an import returns may lead to bytes that were taken away`, (t) => {
    const { instance, take } = attached(attach)
    const env = { load: () => instance.exports.load }
    const { call } = new WebAssembly.Instance(caller, { env }).exports
    take()
    t.throws(() => call(), takenAway)
    t.is(call(), 0)
  })

  for (const [result, load, imports] of [
    ['an object', 'loadAtImported', (take) => ({ address: () => takingNumber(take) })],
    ['an object of several', 'loadAtSum', (take) => ({ addresses: () => [0, takingNumber(take)] })],
    ['an iterable', 'loadAtSum', (take) => ({ addresses: () => takingNumbers(take) })],
  ] as readonly (readonly [string, string, Imports])[]) {
    test(`by ${way}: the conversion of what an import returns may take the bytes away: ${result}`, (t) => {
      const { instance } = attached(attach, imports)
      t.throws(() => instance.exports[load](), takenAway)
      t.is(instance.exports.load(0), 0)
    })
  }

  for (const [what, text] of [
    ['a segment', '(import "env" "memory" (memory 1)) (data (i32.const 0) "\\09")'],
    ['a start function', '(import "env" "mark" (func $mark)) (start $mark)'],
  ] as const) {
    const module = new WebAssembly.Module(wat(`(module ${text})`))
    // What is attached is the other instance alone: its memory's own bytes get the segment.
    const isReached = way === 'memory' || what === 'a start function'

    test(`by ${way}: ${what} of another instance does not store into bytes that were taken away`, (t) => {
      const { instance, take, firstByte } = attached(attach)
      const imports = { env: instance.exports }
      take()
      if (isReached) t.throws(() => new WebAssembly.Instance(module, imports), takenAway)
      t.is(firstByte(), 7)
      t.notThrows(() => new WebAssembly.Instance(module, imports))
      t.is(firstByte(), 7)
    })

    test(`by ${way}: ${what} of another instance does not store into bytes that its imports took away`, (t) => {
      const { instance, take, firstByte } = attached(attach)
      const imports = {
        get env() {
          take()
          return instance.exports
        },
      }
      const instantiate = () => new WebAssembly.Instance(module, imports)
      if (isReached) t.throws(instantiate, takenAway)
      else t.notThrows(instantiate)
      t.is(firstByte(), 7)
    })
  }
}

for (const way of ways) {
  const attach = attachBy[way]

  // A memory on a host's buffer has no pages of its own, which is less than a minimum of one.
  for (const minimum of [0, 1]) {
    const module = new WebAssembly.Module(
      wat(`(module
        (import "env" "nothing" (func $nothing))
        (import "env" "memory" (memory $memory ${minimum}))
        (export "memory" (memory $memory))
        (func (export "load") (result i32) (i32.load8_u (i32.const 5)))
        (func (export "store") (param i32) (i32.store8 (i32.const 5) (local.get 0)))
        (func (export "storeAfterCall") (call $nothing) (i32.store8 (i32.const 5) (i32.const 9))))`),
    )
    const attachedTo = (buffer: ArrayBuffer, nothing = () => {}) => {
      const host = HostRegion.from(buffer)
      const onHost = way === 'memory'
      const memory = new WebAssembly.Memory(onHost ? { host } : { initial: minimum })
      const instance = new WebAssembly.Instance(module, { env: { memory, nothing } })
      if (!onHost) attach(instance, host)
      return instance
    }

    test(`by ${way}: a buffer that is transferred away is a TypeError at the next call, not an access: minimum ${minimum}`, (t) => {
      const buffer = new ArrayBuffer(pageSize)
      const instance = attachedTo(buffer)
      const { load, store, memory } = instance.exports
      store(55)
      const moved = transfer(buffer)
      if (moved === undefined) {
        t.is(load(), 55)
        return
      }
      t.throws(() => store(66), takenAway)
      t.is(new Uint8Array(moved)[5], 55)
      // From now on it is on its own memory.
      t.is(memory.buffer.byteLength, minimum * pageSize)
      if (minimum === 1) {
        t.is(load(), 0)
        // A memory without pages of its own stays on zeros.
        if (way === 'memory') {
          t.throws(() => attach(instance, null), { instanceOf: RangeError, message: /initial: 1/ })
        } else {
          attach(instance, null)
        }
        t.is(load(), 0)
      }
      attach(instance, HostRegion.from(new Uint8Array(pageSize).fill(3)))
      t.is(load(), 3)
    })

    test(`by ${way}: an import that transfers the buffer away ends the call: minimum ${minimum}`, (t) => {
      const buffer = new ArrayBuffer(pageSize)
      let moved: ArrayBuffer | undefined
      const { storeAfterCall } = attachedTo(buffer, () => {
        moved = transfer(buffer)
      }).exports
      try {
        storeAfterCall()
        t.is(moved, undefined)
        t.is(new Uint8Array(buffer)[5], 9)
      } catch (error) {
        t.true(error instanceof TypeError)
        t.is(new Uint8Array(moved!)[5], 0)
      }
    })
  }
}
