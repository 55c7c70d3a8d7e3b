// What is particular to host windows on node-rewire: they lie in addresses that V8 has reserved.
import { readFileSync } from 'node:fs'
import test from 'ava'
import { type WebAssembly as api, openBackend } from 'v8-rawmem'
import { closeOnceCollected, collectUntil } from '../support/collect-garbage.ts'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'
import { pattern } from './feature.ts'

const { WebAssembly, HostRegion, HostWindows, setWasmInstanceWindow } = openBackend('node-rewire')

const wasmPage = 65536
const start = (window: number) => 0x8000_0000 + window * 0x1000_0000

function instantiate(memory = '(memory (export "memory") 1)', imports: api.Imports = {}) {
  const text = `(module ${memory}
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))`
  const module = new WebAssembly.Module(wat(text), { hostWindows: true })
  return new WebAssembly.Instance(module, imports)
}

const importing = (memory: api.Memory) =>
  instantiate('(import "env" "memory" (memory 0))', { env: { memory } })

for (const [name, nodeArgs, isTrapped] of [
  ['Liftoff', ['--liftoff-only'], (trapped: number) => trapped > 60],
  // memory.atomic.notify asks the engine.
  ['optimised', ['--no-liftoff'], (trapped: number) => trapped === 1],
] as const) {
  test.serial(`every access reaches a window and nothing else: ${name}`, async (t) => {
    const { stdout, stderr, exitCode } = await runScript(
      new URL('rewired-accesses.ts', import.meta.url),
      { nodeArgs },
    )
    t.is(exitCode, 0, stderr)
    const { accesses, trapped, wrong } = JSON.parse(stdout)
    t.deepEqual(wrong, [])
    t.true(accesses > 1000)
    t.true(isTrapped(trapped.length), trapped.join())
  })
}

test('where V8 checks bounds in code, modules with windows are refused, and told the remedy', async (t) => {
  const script = new URL('windows-refused.ts', import.meta.url)
  for (const [nodeArgs, args, expected] of [
    [[], [], /^compiled$/],
    [['--disable-wasm-trap-handler'], [], /^Error: .*reserves none: start Node without --disable/],
    [['--wasm-enforce-bounds-checks'], [], /^Error: .*start Node without --wasm-enforce/],
    [[], ['node-raw'], /^Error: .*compile the module before the backend 'node-raw' is opened/],
  ] as const) {
    const { stdout, stderr } = await runScript(script, { nodeArgs, args })
    t.regex(stdout.trim(), expected, stderr)
  }
})

test('a memory that could grow into the windows has none, wherever it comes from', (t) => {
  const region = HostRegion.allocate(wasmPage)
  const refused = { instanceOf: RangeError, message: /could grow into the host windows/ }
  let reads = 0
  const changing = {
    initial: 1,
    get maximum() {
      return reads++ === 0 ? 65536 : 100
    },
  }
  for (const descriptor of [{ initial: 1 }, { initial: 1, maximum: 32768 }, changing]) {
    const instance = importing(new WebAssembly.Memory(descriptor))
    t.throws(() => setWasmInstanceWindow(instance, region, 0), refused)
  }
  for (const memory of [
    new WebAssembly.Memory({ initial: 1, maximum: 32767 }),
    new WebAssembly.Memory({ host: HostRegion.allocate(wasmPage), maximum: 4 }),
    instantiate().exports.memory,
  ]) {
    const instance = importing(memory)
    setWasmInstanceWindow(instance, region, 0)
    t.is(instance.exports.load(start(0)), 0)
    setWasmInstanceWindow(instance, null, 0)
  }
  t.is(new WebAssembly.Memory({ initial: 1, maximum: 1.5 }).buffer.byteLength, wasmPage)
  region.close()
})

test('only memory 0 is kept from growing into the windows', (t) => {
  const text = `(module (memory 1) (memory 1)
    (func (export "grow") (param i32) (result i32) (memory.grow 1 (local.get 0))))`
  if (!WebAssembly.validate(wat(text))) {
    t.pass('one memory is all that this Node has')
    return
  }
  const module = new WebAssembly.Module(wat(text), { hostWindows: true })
  t.is(new WebAssembly.Instance(module).exports.grow(40_000), 1)
})

test('what a window shows stays what it was when the memory is collected, and others get the addresses', async (t) => {
  const region = HostRegion.allocate(4 * wasmPage)
  const expected = pattern(4 * wasmPage)
  region.view(Uint8Array).set(expected)
  const references: WeakRef<object>[] = []
  const windows = new HostWindows([region])
  ;(() => {
    for (let i = 0; i < 8; i++) {
      const instance = instantiate()
      for (const window of [0, 7]) setWasmInstanceWindow(instance, region, window)
      references.push(new WeakRef(instance))
    }
    const module = new WebAssembly.Module(
      wat(`(module (import "rawmem" "next" (func (param i32 i32) (result i32)))
        (memory 1) (export "next" (func 0)))`),
    )
    const instance = new WebAssembly.Instance(module, windows.imports)
    t.is(instance.exports.next(0, -1), 4 * wasmPage)
    windows.bind(null)
    references.push(new WeakRef(instance))
  })()
  t.true(await collectUntil(() => references.every((reference) => !reference.deref())))
  windows.close()
  for (let i = 0; i < 8; i++) {
    const { load } = instantiate().exports
    for (const window of [0, 7]) {
      t.throws(() => load(start(window)), { instanceOf: WebAssembly.RuntimeError })
    }
  }
  t.is(Buffer.compare(region.view(Uint8Array), expected), 0)
  t.true(await closeOnceCollected(region))
})

test('windows leave no mappings behind', (t) => {
  const instance = instantiate()
  const region = HostRegion.allocate(64 * wasmPage)
  const mappings = () => readFileSync('/proc/self/maps', 'utf8').split('\n').length
  const round = () => {
    for (const length of [64, 1, 32, 5]) {
      for (const window of [1, 0, 7]) {
        setWasmInstanceWindow(instance, region.subarray(0, length * wasmPage), window)
      }
    }
    for (const window of [0, 1, 7]) setWasmInstanceWindow(instance, null, window)
  }
  round()
  const before = mappings()
  const rounds = 300
  for (let i = 0; i < rounds; i++) round()
  const after = mappings()
  // Node's heap has some more meanwhile.
  t.true(after - before < rounds / 3, `${before} mappings, then ${after}`)
  for (const window of [0, 1, 7]) {
    t.throws(() => instance.exports.load(start(window)), {
      instanceOf: WebAssembly.RuntimeError,
    })
  }
  region.close()
})
