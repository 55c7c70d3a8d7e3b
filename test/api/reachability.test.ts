import { setTimeout as sleep } from 'node:timers/promises'
import test from 'ava'
import { ChunkFeeder, HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { binaryenText } from '../support/binaryen-text.ts'
import { closeOnceCollected, collectGarbage } from '../support/collect-garbage.ts'

const MiB = 2 ** 20
const offset = 65536

/** Instances that give functions of theirs away, by every way there is. */
const giving = new WebAssembly.Module(
  binaryenText(`(module
    (type $f (func (result i32)))
    (type $struct (struct (field (ref $f))))
    (type $array (array (ref $f)))
    (import "env" "callback" (func $callback (result i32)))
    (import "env" "tag" (tag $tag (param funcref)))
    (memory $memory 0)
    (table $table (export "table") 1 funcref)
    (global $global (export "global") (mut funcref) (ref.null func))
    (elem declare func $load)
    (func $load (export "load") (type $f)
      (i32.add (call $callback) (i32.load (i32.const ${offset}))))
    (func (export "struct") (result anyref) (struct.new $struct (ref.func $load)))
    (func (export "array") (result anyref) (array.new_fixed $array 1 (ref.func $load)))
    (func (export "several") (result i32 funcref) (i32.const 1) (ref.func $load))
    (func (export "throw") (throw $tag (ref.func $load)))
    (func (export "fill")
      (table.set $table (i32.const 0) (ref.func $load))
      (global.set $global (ref.func $load))))`),
)

/** Instances that take references and call them later. */
const taking = new WebAssembly.Module(
  binaryenText(`(module
    (type $f (func (result i32)))
    (type $struct (struct (field (ref $f))))
    (type $array (array (ref $f)))
    (import "env" "give" (func $give (result anyref)))
    (import "env" "several" (func $several (result i32 funcref)))
    (import "env" "struct" (func $struct (result i32 anyref)))
    (import "env" "tag" (tag $tag (param funcref)))
    (import "env" "table" (table $table 1 funcref))
    (import "env" "global" (global $global (mut funcref)))
    (import "env" "throwing" (func $throwing))
    (global $any (mut anyref) (ref.null any))
    (global $func (mut funcref) (ref.null func))
    (func (export "takeAny") (param anyref) (global.set $any (local.get 0)))
    (func (export "takeFunc") (param funcref) (global.set $func (local.get 0)))
    (func (export "fetch") (global.set $any (call $give)))
    (func (export "fetchSeveral") (global.set $func (call $several)) (drop))
    (func (export "fetchStruct") (global.set $any (call $struct)) (drop))
    (func (export "fromTable") (global.set $func (table.get $table (i32.const 0))))
    (func (export "fromGlobal") (global.set $func (global.get $global)))
    (func (export "catch")
      (global.set $func (block $caught (result funcref)
        (try_table (catch $tag $caught) (call $throwing))
        (ref.null func))))
    (func $call (param $f (ref null $f)) (result i32) (call_ref $f (local.get $f)))
    (func (export "call") (result i32)
      (if (ref.test (ref $struct) (global.get $any)) (then
        (return (call $call (struct.get $struct 0 (ref.cast (ref $struct) (global.get $any)))))))
      (if (ref.test (ref $array) (global.get $any)) (then
        (return (call $call
          (array.get $array (ref.cast (ref $array) (global.get $any)) (i32.const 0))))))
      (call $call (ref.cast (ref $f) (global.get $func)))))`),
)

/** One of its own for each instance: a shared one could be what keeps them together. */
function newTag(): WebAssembly.Tag {
  return new WebAssembly.Tag({ parameters: ['anyfunc'] })
}

/** An instance on a region of its own, which nothing but what it gives away leads to in the end. */
function giver(region: HostRegion, tag = newTag()): WebAssembly.Instance {
  region.view(Int32Array)[offset / 4] = 4711
  const big = new Uint8Array(1000)
  const instance: WebAssembly.Instance = new WebAssembly.Instance(giving, {
    env: { tag, callback: () => (instance === undefined ? -1 : big.length - 1000) },
  })
  setWasmInstanceRawMemory(instance, region)
  instance.exports.fill()
  return instance
}

const { pass } = new WebAssembly.Instance(
  new WebAssembly.Module(binaryenText('(module (func (export "pass") (param externref)))')),
).exports

/** Has the engine collect its own garbage, by making much of it. */
function churn(): void {
  for (let i = 0; i < 60_000; ++i) pass({})
}

function unused(): never {
  throw new Error('not used')
}

function taker(imports: Record<string, WebAssembly.ImportValue> = {}): WebAssembly.Exports {
  return new WebAssembly.Instance(taking, {
    env: {
      tag: newTag(),
      give: unused,
      several: unused,
      struct: unused,
      throwing: unused,
      table: new WebAssembly.Table({ element: 'anyfunc', initial: 1 }),
      global: new WebAssembly.Global({ value: 'anyfunc', mutable: true }, null),
      ...imports,
    },
  }).exports
}

type Way = (makeGiver: (tag?: WebAssembly.Tag) => WebAssembly.Instance) => WebAssembly.Exports

/** All ways in which a reference gets from one instance to another. */
const ways: Readonly<Record<string, Way>> = {
  'a struct as a parameter': (make) => {
    const exports = taker()
    exports.takeAny(make().exports.struct())
    return exports
  },
  'an array as a parameter': (make) => {
    const exports = taker()
    exports.takeAny(make().exports.array())
    return exports
  },
  'a function as a parameter': (make) => {
    const exports = taker()
    exports.takeFunc(make().exports.load)
    return exports
  },
  'a struct that an import returns': (make) => {
    const exports = taker({ give: () => make().exports.struct() })
    exports.fetch()
    return exports
  },
  'one of several results of an import': (make) => {
    const exports = taker({ several: () => [1, make().exports.load] })
    exports.fetchSeveral()
    return exports
  },
  'a result that an iterator of an import gives': (make) => {
    const exports = taker({
      several: function* () {
        yield 1
        yield make().exports.load
      },
    })
    exports.fetchSeveral()
    return exports
  },
  'a struct among several results of an import': (make) => {
    const exports = taker({ struct: () => [1, make().exports.struct()] })
    exports.fetchStruct()
    return exports
  },
  'several results of an export, passed on': (make) => {
    const exports = taker({ several: () => make().exports.several() })
    exports.fetchSeveral()
    return exports
  },
  "an instance's table": (make) => {
    const exports = taker({ table: make().exports.table })
    exports.fromTable()
    return exports
  },
  "an instance's global": (make) => {
    const exports = taker({ global: make().exports.global })
    exports.fromGlobal()
    return exports
  },
  'a table that JavaScript fills': (make) => {
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
    table.set(0, make().exports.load)
    const exports = taker({ table })
    exports.fromTable()
    return exports
  },
  'a table that is made with it': (make) => {
    const descriptor = { element: 'anyfunc', initial: 1 } as const
    const exports = taker({ table: new WebAssembly.Table(descriptor, make().exports.load) })
    exports.fromTable()
    return exports
  },
  'a table that grows with it': (make) => {
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 0 })
    table.grow(1, make().exports.load)
    const exports = taker({ table })
    exports.fromTable()
    return exports
  },
  'a global that is made with it': (make) => {
    const descriptor = { value: 'anyfunc', mutable: true } as const
    const exports = taker({ global: new WebAssembly.Global(descriptor, make().exports.load) })
    exports.fromGlobal()
    return exports
  },
  'an exception that code throws': (make) => {
    const tag = newTag()
    const exports = taker({ tag, throwing: () => make(tag).exports.throw() })
    exports.catch()
    return exports
  },
  'an exception that JavaScript makes': (make) => {
    const tag = newTag()
    const exports = taker({
      tag,
      throwing: () => {
        throw new WebAssembly.Exception(tag, [make().exports.load])
      },
    })
    exports.catch()
    return exports
  },
}

const regions: Readonly<Record<string, () => HostRegion>> = {
  'host memory': () => HostRegion.allocate(64 * MiB),
  'a borrowed buffer': () => HostRegion.from(new Uint8Array(64 * MiB)),
}

for (const [what, makeRegion] of Object.entries(regions)) {
  for (const [way, give] of Object.entries(ways)) {
    test.serial(`${way} keeps ${what} and imports of the other instance`, async (t) => {
      const exports = give((tag) => giver(makeRegion(), tag))
      t.is(exports.call(), 4711)
      for (let i = 0; i < 3; ++i) {
        churn()
        await collectGarbage()
        // A trace in between finds the way again.
        await sleep(300)
        // Whatever was unmapped would be this.
        HostRegion.allocate(64 * MiB).view(Int32Array)[offset / 4] = 666
        t.is(exports.call(), 4711)
      }
    })
  }
}

test.serial('what code moved since the last trace is kept', async (t) => {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  const moving = new WebAssembly.Module(
    binaryenText(`(module
      (import "env" "from" (table $from 1 funcref))
      (import "env" "to" (table $to 1 funcref))
      (func (export "move")
        (table.set $to (i32.const 0) (table.get $from (i32.const 0)))
        (table.set $from (i32.const 0) (ref.null func))))`),
  )
  const mover: { move?: (() => void) | undefined } = {}
  ;(() => {
    const from = giver(HostRegion.allocate(64 * MiB)).exports.table
    mover.move = new WebAssembly.Instance(moving, { env: { from, to: table } }).exports.move
  })()
  await sleep(400)
  mover.move?.()
  mover.move = undefined
  await collectGarbage()
  await collectGarbage()
  t.is(table.get(0)(), 4711)
})

test.serial('a function keeps its identity and properties while code can reach it', async (t) => {
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  ;(() => {
    const { load } = giver(HostRegion.allocate(MiB)).exports
    load.mark = 'mine'
    table.set(0, load)
  })()
  await sleep(400)
  await collectGarbage()
  t.is(table.get(0).mark, 'mine')
})

// What lives long, and what short-lived instances do with it.
const idle = new WebAssembly.Module(
  binaryenText(`(module
    (import "env" "callback" (func))
    (func (export "f") (result i32) (i32.const 1)))`),
)
const onMemory = new WebAssembly.Module(
  binaryenText(`(module
    (import "env" "callback" (func))
    (import "env" "memory" (memory 1))
    (func (export "f") (result i32) (i32.load (i32.const 0))))`),
)
const calling = new WebAssembly.Module(
  binaryenText(`(module
    (import "env" "callback" (func))
    (import "env" "g" (func $g))
    (func (export "f") (result i32) (call $g) (i32.const 1)))`),
)

interface Touch {
  readonly module?: WebAssembly.Module
  readonly imports?: Record<string, WebAssembly.ImportValue>
  touch?(instance: WebAssembly.Instance): void
}

const longLived: Readonly<Record<string, () => Touch>> = {
  'a memory': () => ({
    module: onMemory,
    imports: { memory: new WebAssembly.Memory({ initial: 1 }) },
  }),
  'an attached memory': () => ({
    module: onMemory,
    imports: { memory: new WebAssembly.Memory({ host: HostRegion.allocate(MiB) }) },
  }),
  'a table': () => {
    const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
    return {
      touch({ exports }) {
        table.set(0, exports.f)
        table.set(0, null)
      },
    }
  },
  'a global': () => {
    const global = new WebAssembly.Global({ value: 'anyfunc', mutable: true }, null)
    return {
      touch({ exports }) {
        global.value = exports.f
        global.value = null
      },
    }
  },
  'a parameter': () => {
    const module = new WebAssembly.Module(
      binaryenText('(module (func (export "take") (param funcref)))'),
    )
    const { take } = new WebAssembly.Instance(module).exports
    return { touch: ({ exports }) => take(exports.f) }
  },
  'a struct': () => {
    const { takeAny } = taker()
    return { touch: () => takeAny(giver(HostRegion.allocate(MiB)).exports.struct()) }
  },
  'an imported function': () => {
    const module = new WebAssembly.Module(binaryenText('(module (func (export "g")))'))
    return { module: calling, imports: { g: new WebAssembly.Instance(module).exports.g } }
  },
  'a table of externref': () => {
    const table = new WebAssembly.Table({ element: 'externref', initial: 1 })
    return { touch: (instance) => table.set(0, { instance }) }
  },
}

for (const [what, make] of Object.entries(longLived)) {
  test.serial(`instances that touch ${what} are collected as in Node`, async (t) => {
    const { module = idle, imports, touch } = make()
    const count = 600
    let collected = 0
    const registry = new FinalizationRegistry(() => ++collected)
    for (let i = 0; i < count; ++i) {
      const big = new Uint8Array(20_000)
      const instance: WebAssembly.Instance = new WebAssembly.Instance(module, {
        env: { ...imports, callback: () => [instance, big] },
      })
      registry.register(instance, undefined)
      instance.exports.f()
      touch?.(instance)
      if (i % 100 === 0) await collectGarbage()
    }
    for (let i = 0; i < 20 && collected < count - 5; ++i) {
      await sleep(100)
      await collectGarbage()
    }
    t.true(collected >= count - 5, `${collected} of ${count} collected`)
    // They are still good for another one.
    t.notThrows(() =>
      touch?.(new WebAssembly.Instance(module, { env: { ...imports, callback() {} } })),
    )
  })
}

test.serial('a value that leads back to what holds it is collected', async (t) => {
  let collected = 0
  const registry = new FinalizationRegistry(() => ++collected)
  for (let i = 0; i < 50; ++i) {
    const table = new WebAssembly.Table({ element: 'externref', initial: 1 })
    const object = { table }
    table.set(0, object)
    registry.register(object, undefined)
  }
  for (let i = 0; i < 20 && collected < 48; ++i) {
    await sleep(100)
    await collectGarbage()
  }
  t.true(collected >= 48, `${collected} of 50 collected`)
})

test.serial('a value in a table stays as long as the table', async (t) => {
  const table = new WebAssembly.Table({ element: 'externref', initial: 1 })
  table.set(0, { name: 'kept' })
  for (let i = 0; i < 3; ++i) {
    await sleep(300)
    await collectGarbage()
    t.deepEqual(table.get(0), { name: 'kept' })
  }
})

test.serial(
  'a region can be closed once an instance that shares a living memory is gone',
  async (t) => {
    const shared = new WebAssembly.Memory({ initial: 1 })
    const region = HostRegion.allocate(MiB)
    ;(() => {
      const module = new WebAssembly.Module(
        binaryenText('(module (import "env" "memory" (memory $a 1)) (memory $b 0))'),
      )
      const instance = new WebAssembly.Instance(module, { env: { memory: shared } })
      setWasmInstanceRawMemory(instance, region, 1)
      t.throws(() => region.close(), { message: /attached/ })
    })()
    const closed = await closeOnceCollected(region)
    t.true(closed)
    t.is(shared.buffer.byteLength, 65536)
  },
)

test.serial('a window stays where it is when only a struct leads to the instance', async (t) => {
  const exports = taker()
  ;(() => {
    const region = HostRegion.allocate(64 * MiB)
    const instance = giver(HostRegion.allocate(MiB))
    region.view(Int32Array)[offset / 4] = 12
    const feeder = new ChunkFeeder(region)
    feeder.bind(instance)
    feeder.next()
    exports.takeAny(instance.exports.struct())
  })()
  for (let i = 0; i < 3; ++i) {
    await collectGarbage()
    await sleep(300)
    t.is(exports.call(), 12)
  }
})
