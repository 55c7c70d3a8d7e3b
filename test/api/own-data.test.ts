import test from 'ava'
import {
  backends,
  ChunkFeeder,
  deserializeModule,
  HostRegion,
  openBackend,
  serializeModule,
  setWasmInstanceRawMemory,
  setWasmInstanceWindow,
  WebAssembly,
} from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const load = '(func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0)))'

function instantiate(text: string, imports: WebAssembly.Imports = {}) {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports)
}

const region = HostRegion.allocate(2 * 65_536)

for (const [what, text, reason] of [
  ['data', '(memory 1) (data (i32.const 1024) "abc")', /3 bytes of its data begin at address 1024/],
  [
    'data at an imported address',
    '(import "m" "g" (global i32)) (memory 1) (data (global.get 0) "abc")',
    /3 bytes of its data begin at an address that is chosen at instantiation/,
  ],
  [
    'a stack pointer',
    '(memory 2) (global (mut f64) (f64.const 1)) (global (mut i32) (i32.const 66560))',
    /its stack pointer, a global, begins at address 66560/,
  ],
  [
    'a mark of the heap',
    '(memory 1) (global (export "__heap_base") i32 (i32.const 66560))',
    /it exports __heap_base/,
  ],
] as const) {
  test(`a module that keeps ${what} in its memory is refused a region in place of it`, (t) => {
    const refused = { instanceOf: TypeError, message: reason }
    const full = `(module ${text} ${load})`
    const imports = { m: { g: 16 } }
    const instance = instantiate(full, imports)
    t.throws(() => setWasmInstanceRawMemory(instance, region), refused)
    t.throws(() => setWasmInstanceRawMemory(instance, region), {
      message: /HostWindows.*overOwnData: true/,
    })
    setWasmInstanceRawMemory(instance, region, 0, { overOwnData: true })
    setWasmInstanceRawMemory(instance, null)
    const feeder = new ChunkFeeder(region)
    t.throws(() => feeder.bind(instance), refused)
    const insisting = new ChunkFeeder(region, { overOwnData: true })
    t.notThrows(() => insisting.bind(instance))
    insisting.close()
    for (const { name, available } of backends()) {
      if (!available || name === 'patched') continue
      const backend = openBackend(name)
      const other = new backend.WebAssembly.Instance(
        new backend.WebAssembly.Module(wat(full)),
        imports,
      )
      const shareable = backend.HostRegion.allocate(2 * 65_536)
      t.throws(() => backend.setWasmInstanceRawMemory(other, shareable), refused, name)
    }
  })
}

test('what a module keeps elsewhere is no reason, and a window hides nothing', (t) => {
  for (const text of [
    // Not a stack pointer: too low, not aligned, not mutable, beyond the minimum, or no address.
    '(memory 1) (global (mut i32) (i32.const 1)) (global (mut i32) (i32.const 2001))',
    '(memory 1) (global i32 (i32.const 2048)) (global (mut i32) (i32.const 131072))',
    '(memory 1) (global (mut i64) (i64.const 2048))',
    // As an address it is far beyond the minimum.
    '(memory 1) (global (mut i32) (i32.const -4096))',
    '(memory 1) (data "passive")',
    '(memory 1) (data (i32.const 0) "")',
  ]) {
    t.notThrows(() => setWasmInstanceRawMemory(instantiate(`(module ${text})`), region), text)
  }
  const both = instantiate('(module (memory 1) (memory 1) (data (i32.const 0) "a"))')
  t.throws(() => setWasmInstanceRawMemory(both, region), { instanceOf: TypeError })
  t.notThrows(() => setWasmInstanceRawMemory(both, region, 1))
  const windows = new WebAssembly.Instance(
    new WebAssembly.Module(wat(`(module (memory 1) (data (i32.const 8) "\\09") ${load})`), {
      hostWindows: true,
    }),
  )
  setWasmInstanceWindow(windows, region, 0)
  t.is(windows.exports.load(8), 9)
})

test('a module from the code cache is looked at as well', (t) => {
  const bytes = wat(`(module (memory 1) (data (i32.const 8) "abc") ${load})`)
  const module = new WebAssembly.Module(bytes)
  new WebAssembly.Instance(module).exports.load(8)
  const again = new WebAssembly.Instance(deserializeModule(serializeModule(module), bytes))
  t.throws(() => setWasmInstanceRawMemory(again, region), { instanceOf: TypeError })
})
