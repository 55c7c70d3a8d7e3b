import test from 'ava'
import {
  backends,
  HostRegion,
  HostWindows,
  openBackend,
  setWasmInstanceWindow,
  WebAssembly,
} from 'v8-rawmem'
import { collectGarbage, collectUntil } from '../support/collect-garbage.ts'
import { wat } from '../support/wat.ts'

const mebibyte = 2 ** 20

const program = `(module
  (import "rawmem" "next" (func $next (param i32 i32) (result i32)))
  (memory (export "memory") 1)
  (func (export "next") (param i32 i32) (result i32) (call $next (local.get 0) (local.get 1)))
  (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`

const load =
  '(memory (export "memory") 1) (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))'

function instantiate(
  text: string,
  imports: WebAssembly.Imports,
  options?: WebAssembly.CompileOptions,
) {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text), options), imports)
}

const noWindows = { instanceOf: TypeError, message: /has no host windows/ }
const taken = { instanceOf: RangeError, message: /shows another region/ }

test('modules without windows refuse them, and say which have them', (t) => {
  const region = HostRegion.allocate(10)
  const plain = instantiate(`(module ${load})`, {})
  t.throws(() => setWasmInstanceWindow(plain, region, 0), noWindows)
  t.throws(() => setWasmInstanceWindow(plain, null, 0), noWindows)
  t.throws(() => plain.exports.load(0x8000_0000), { instanceOf: WebAssembly.RuntimeError })
  const asked = instantiate(`(module ${load})`, {}, { hostWindows: true })
  t.notThrows(() => setWasmInstanceWindow(asked, region, 0))
  t.is(asked.exports.load(0x8000_0009), 0)
  for (const memory of ['(memory i64 1)', '(memory 1 1 shared)', '']) {
    const other = instantiate(`(module ${memory})`, {}, { hostWindows: true })
    t.throws(() => setWasmInstanceWindow(other, region, 0), {
      instanceOf: memory === '' ? RangeError : TypeError,
    })
  }
  t.throws(() => setWasmInstanceWindow(asked, region, 0, 1), { instanceOf: RangeError })
  for (const window of [-1, 8, 0.5]) {
    t.throws(() => setWasmInstanceWindow(asked, region, window), { instanceOf: RangeError })
  }
  t.throws(() => new WebAssembly.Module(wat('(module)'), { hostWindows: 1 as never }), {
    instanceOf: TypeError,
    message: /hostWindows must be a boolean/,
  })
})

test('a region goes on in the following windows, and keeps its distance from others', (t) => {
  const instance = instantiate(`(module ${load})`, {}, { hostWindows: true })
  const big = HostRegion.allocate(600 * mebibyte)
  const bytes = big.view(Uint8Array)
  bytes[0] = 1
  bytes[256 * mebibyte] = 2
  bytes[600 * mebibyte - 1] = 3
  const small = HostRegion.allocate(100)
  setWasmInstanceWindow(instance, big, 1)
  const at = (offset: number) => instance.exports.load(0x9000_0000 + offset)
  t.deepEqual([at(0), at(256 * mebibyte), at(600 * mebibyte - 1)], [1, 2, 3])
  t.throws(() => at(600 * mebibyte), { instanceOf: WebAssembly.RuntimeError })
  // Windows 2 and 3 show parts of it.
  for (const window of [2, 3]) {
    t.throws(() => setWasmInstanceWindow(instance, small, window), taken)
    t.throws(() => setWasmInstanceWindow(instance, null, window), taken)
  }
  setWasmInstanceWindow(instance, small, 4)
  setWasmInstanceWindow(instance, small, 0)
  // Its own place, but not that of the next.
  setWasmInstanceWindow(instance, big.subarray(0, 500 * mebibyte), 1)
  t.throws(() => at(500 * mebibyte), { instanceOf: WebAssembly.RuntimeError })
  setWasmInstanceWindow(instance, null, 1)
  t.throws(() => at(0), { instanceOf: WebAssembly.RuntimeError })
  t.throws(() => at(256 * mebibyte), { instanceOf: WebAssembly.RuntimeError })
  setWasmInstanceWindow(instance, small, 2)
  t.throws(() => setWasmInstanceWindow(instance, big, 1), taken)
  t.throws(() => setWasmInstanceWindow(instance, big.subarray(0, 256 * mebibyte), 1), taken)
  t.notThrows(() => setWasmInstanceWindow(instance, big.subarray(0, 256 * mebibyte - 65_536), 1))
  t.throws(
    () => setWasmInstanceWindow(instance, big.subarray(0, 256 * mebibyte - 65_535), 1),
    taken,
  )
  t.throws(() => setWasmInstanceWindow(instance, big, 7), {
    instanceOf: RangeError,
    message: /window 7 has room for 268435456 bytes; got 629145600/,
  })
  t.notThrows(() => setWasmInstanceWindow(instance, big.subarray(0, 256 * mebibyte), 7))
  t.is(instance.exports.load(-1), 0)
})

test('the own memory grows up to the windows, and a memory from elsewhere as well', (t) => {
  const own = instantiate(
    `(module ${load} (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`,
    {},
    { hostWindows: true },
  )
  t.is(own.exports.grow(32_767), -1)
  t.is(own.exports.grow(32_766), 1)
  t.is(own.exports.load(32_767 * 65_536 - 1), 0)
  t.throws(() => own.exports.memory.grow(1), { instanceOf: RangeError })
  t.throws(() => instantiate('(module (memory 32768))', {}, { hostWindows: true }), {
    instanceOf: RangeError,
    message: /leaves no addresses for the host windows/,
  })
  const memory = new WebAssembly.Memory({ initial: 32_768 })
  t.throws(
    () =>
      instantiate(
        '(module (import "m" "m" (memory 0)))',
        { m: { m: memory } },
        { hostWindows: true },
      ),
    { instanceOf: WebAssembly.LinkError, message: /leaves no addresses for the host windows/ },
  )
  const shared = new WebAssembly.Memory({ initial: 1 })
  instantiate('(module (import "m" "m" (memory 0)))', { m: { m: shared } }, { hostWindows: true })
  t.throws(() => shared.grow(32_767), { instanceOf: RangeError })
  t.throws(() => shared.attach(HostRegion.allocate(2 ** 31)), { instanceOf: RangeError })
  t.notThrows(() => shared.attach(HostRegion.allocate(2 ** 31 - 65_536)))
})

test('HostWindows check regions and options, and name what is wrong', (t) => {
  const region = HostRegion.allocate(300 * mebibyte)
  t.throws(() => new HostWindows(region as never), { instanceOf: TypeError, message: /array/ })
  for (const none of [1, undefined]) {
    t.throws(() => new HostWindows([none as never]), { instanceOf: TypeError })
  }
  for (const none of [1, undefined, {}]) {
    t.throws(() => new HostWindows([]).bind(none as never), {
      instanceOf: TypeError,
      message: /instance must be an instance made by the WebAssembly of v8-rawmem, or null/,
    })
  }
  t.throws(() => new HostWindows(new Array(9).fill(null)), { instanceOf: RangeError })
  t.throws(() => new HostWindows([region, region], { windowSize: 256 * mebibyte }), {
    instanceOf: RangeError,
    message:
      /windowSize must be at most 268369920, the room of window 0 before window 1; got 268435456/,
  })
  t.notThrows(() => new HostWindows([region, null, region], { windowSize: 256 * mebibyte }))
  t.throws(() => new HostWindows([region], { windowSize: 0 }), { instanceOf: RangeError })
  t.throws(() => new HostWindows([region], { onProgress: 1 as never }), { instanceOf: TypeError })
  t.throws(() => new HostWindows([region], { signal: {} as never }), { instanceOf: TypeError })
})

test('HostWindows are of one instance at a time, and keep their regions from being closed', (t) => {
  const region = HostRegion.allocate(100)
  region.view(Uint8Array).fill(7)
  const windows = new HostWindows([region])
  const one = instantiate(program, { ...windows.imports })
  t.throws(() => instantiate(program, { ...windows.imports }), {
    instanceOf: TypeError,
    message: /bound to another instance/,
  })
  t.is(one.exports.next(0, -1), 100)
  t.is(one.exports.load(0x8000_0063), 7)
  t.throws(() => region.close(), { message: /attached to a WebAssembly instance/ })
  windows.bind(null)
  t.throws(() => one.exports.load(0x8000_0000), { instanceOf: WebAssembly.RuntimeError })
  t.throws(() => one.exports.next(0, -1), {
    message: /^rawmem: the HostWindows are not bound.*call windows\.bind\(instance\)$/,
  })
  windows.bind(one)
  windows.rewind()
  t.is(one.exports.next(0, -1), 100)
  t.is(one.exports.next(0, -1), 0)
  windows.setRegion(0, null)
  t.is(windows.regions[0], null)
  t.throws(() => one.exports.load(0x8000_0000), { instanceOf: WebAssembly.RuntimeError })
  t.throws(() => one.exports.next(0, -1), { message: /window 0 shows no region/ })
  windows.setRegion(0, region)
  t.is(one.exports.next(0, -1), 100)
  windows.close()
  windows.close()
  t.throws(() => windows.rewind(), { instanceOf: TypeError })
  t.throws(() => one.exports.next(0, -1), {
    instanceOf: TypeError,
    message: 'rawmem: the HostWindows are closed',
  })
  t.notThrows(() => region.close())
  t.deepEqual(
    windows.regions.map((shown) => shown === region),
    [true, ...new Array(7).fill(false)],
  )
})

test('progress and abort reach the program of a window', (t) => {
  const controller = new AbortController()
  const seen: unknown[] = []
  const windows = new HostWindows([HostRegion.allocate(100), HostRegion.allocate(50)], {
    windowSize: 60,
    signal: controller.signal,
    onProgress: (progress) => seen.push(progress),
  })
  const { next } = instantiate(program, { ...windows.imports }).exports
  t.is(next(1, -1), 50)
  t.is(next(1, -1), 0)
  t.deepEqual(seen, [{ window: 1, position: 50, byteLength: 50, windows: 1 }])
  t.is(next(0, -1), 60)
  controller.abort(new Error('enough'))
  t.throws(() => next(0, -1), { message: 'enough' })
})

test('progress is that of the furthest byte where a program maps parts', (t) => {
  const seen: unknown[] = []
  const windows = new HostWindows([HostRegion.allocate(1000)], {
    onProgress: ({ position, windows }) => seen.push([position, windows]),
  })
  const { map } = instantiate(
    `(module (import "rawmem" "map" (func $map (param i32 i64 i32) (result i32))) (memory 1)
      (func (export "map") (param i64 i32) (result i32)
        (call $map (i32.const 0) (local.get 0) (local.get 1))))`,
    { ...windows.imports },
  ).exports
  const wait = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 150)
  t.is(map(100n, 200), 200)
  t.is(map(400n, 100), 100)
  t.deepEqual(seen, [])
  wait()
  // Reported before the next part is shown.
  t.is(map(0n, 10), 10)
  t.is(map(900n, 200), 100)
  wait()
  t.is(map(0n, 10), 10)
  t.deepEqual(seen, [
    [500, 0],
    [1000, 0],
  ])
  windows.rewind()
  t.is(map(0n, 10), 10)
  wait()
  t.is(map(0n, 20), 20)
  t.deepEqual(seen.at(-1), [10, 0])
})

test('a program that imports the functions with other types is told the right ones', (t) => {
  const windows = new HostWindows([HostRegion.allocate(100)])
  const { run } = instantiate(
    `(module (import "rawmem" "next" (func $next (param i32) (result i32)))
      (memory 1) (func (export "run") (result i32) (call $next (i32.const 0))))`,
    { ...windows.imports },
  ).exports
  t.throws(run as () => void, {
    instanceOf: TypeError,
    message: /rawmem\.next must be imported as \(param \$window i32\) \(param \$consumed i32\)/,
  })
})

test('the backend without windows says which has them', (t) => {
  if (!backends().some(({ name, available }) => available && name === 'node-raw')) return t.pass()
  const backend = openBackend('node-raw')
  t.throws(() => new backend.HostWindows([]), { message: /use the backend 'patched'/ })
  t.throws(() => backend.setWasmInstanceWindow({} as never, null, 0), {
    message: /use the backend 'patched'/,
  })
})

/** Windows over a region whose bytes are all 7, and an instance that refers to them and they to it. */
function cyclic() {
  const region = HostRegion.from(new Uint8Array(1000).fill(7))
  const windows = new HostWindows([region], { windowSize: 400 })
  return { windows, instance: instantiate(program, { ...windows.imports }) }
}

test.serial('an exported function alone keeps windows and regions', async (t) => {
  const { next, load } = cyclic().instance.exports
  t.is(next(0, -1), 400)
  await collectGarbage()
  t.is(load(0x8000_018f), 7)
  t.deepEqual([next(0, -1), next(0, -1), next(0, -1)], [400, 200, 0])
})

test.serial('the functions alone keep windows and the instance', async (t) => {
  const { rawmem } = cyclic().windows.imports
  await collectGarbage()
  t.is(rawmem.next(0, -1), 400)
  t.is(rawmem.map(0, 900n, 400), 100)
  t.is(rawmem.size(0), 1000n)
})

test.serial('windows and an instance that only know each other are collected', async (t) => {
  const references = Array.from({ length: 20 }, () => {
    const { windows, instance } = cyclic()
    instance.exports.next(0, -1)
    return [new WeakRef(windows), new WeakRef(instance)]
  }).flat()
  t.true(await collectUntil(() => references.every((each) => each.deref() === undefined)))
})
