import test from 'ava'
import { binding } from '../../bindings/addon/load.ts'
import { backends } from '../../bindings/backends/index.ts'
import { moduleLayout } from '../../bindings/backends/module-layout.ts'
import { hostMemories, newSeal } from '../../bindings/backends/node/hosted-memories.ts'
import { native } from '../../bindings/backends/node/namespace.ts'
import {
  accessModule,
  layoutProbes,
  maximumProbes,
} from '../../bindings/backends/node-raw/probes.ts'
import { bufferOf } from '../../bindings/backends/node-raw/self-test.ts'
import { HostRegion, regionParts } from '../../bindings/region.ts'
import { runScript } from '../support/run-script.ts'
import { wat } from '../support/wat.ts'

// Nothing here opens the backend: that would change V8 for good.

const { nodeBackends } = binding
const { raw } = nodeBackends

test('the module that examines V8 is what its description says', (t) => {
  const text = (index: number) => {
    const memory = index === 0 ? '' : index
    return `(module
      (import "t" "s" (func $switch))
      (memory 0 1) ${index === 0 ? '' : '(memory 0 1)'}
      (func (export "load") (param i32) (result i32) (i32.load8_u ${memory} (local.get 0)))
      (func (export "across") (param i32) (result i32)
        (i32.load8_u ${memory} (local.get 0))
        (call $switch)
        (i32.load8_u ${memory} (local.get 0))
        (i32.const 256)
        i32.mul
        i32.add)
      (func (export "fill") (param i32 i32 i32)
        (memory.fill ${memory} (local.get 0) (local.get 1) (local.get 2)))
      (func (export "size") (result i32) (memory.size ${memory}))
      (func (export "grow") (param i32) (result i32) (memory.grow ${memory} (local.get 0))))`
  }
  for (const index of [0, 1] as const) {
    // As V8 sees them: LEB128 and the order of types may differ.
    const ours = native.Module.exports(new native.Module(accessModule(0)))
    t.deepEqual(ours, native.Module.exports(new native.Module(wat(text(0)))))
    t.deepEqual(
      moduleLayout(accessModule(index)).memories.map(({ initial, maximum }) => [initial, maximum]),
      moduleLayout(wat(text(index))).memories.map(({ initial, maximum }) => [initial, maximum]),
    )
    t.deepEqual(codeOf(accessModule(index)), codeOf(wat(text(index))))
  }
})

/** The bytes of the code section, but for how it writes alignments: the hint for a byte can only be 0. */
function codeOf(bytes: Uint8Array): number[] {
  for (let at = 8; at < bytes.length; ) {
    const id = bytes[at] as number
    // All sections here are small.
    let length = (bytes[at + 1] as number) & 0x7f
    let begin = at + 2
    for (let shift = 7; (bytes[begin - 1] as number) >= 0x80; shift += 7) {
      length |= ((bytes[begin] as number) & 0x7f) << shift
      begin++
    }
    if (id === 10) return [...bytes.subarray(begin, begin + length)]
    at = begin + length
  }
  return []
}

test('the search finds the same places again and again, wherever objects lie', (t) => {
  const found = new Set<string>()
  const junk: unknown[] = []
  for (let round = 0; round < 40; ++round) {
    for (let i = 0; i < (round % 17) * 23; ++i) junk.push({ i, of: [round] })
    const layout = raw.search(layoutProbes(native), maximumProbes(native))
    found.add(typeof layout === 'string' ? layout : raw.describe(layout).text)
  }
  t.is(found.size, 1)
  t.regex([...found][0] as string, /start and size in words/)
})

test('where start and size are not found, the search says so', (t) => {
  const probes = layoutProbes(native)
  const maxima = maximumProbes(native)
  const buffer = new ArrayBuffer(65536)
  const other = () => (probes[0] as [object, ArrayBuffer])[0]
  for (const wrong of [
    // No instances at all.
    [[{}, buffer]],
    [[[1, 2, 3], buffer]],
    [['a string', buffer]],
    [[12, buffer]],
    [[undefined, buffer]],
    [[() => 1, buffer]],
    // Memories of others.
    [[other(), buffer]],
    [...probes, [other(), buffer]],
    [...probes, [{}, buffer]],
  ]) {
    const layout = raw.search(wrong as (object | ArrayBuffer)[][], maxima)
    t.is(typeof layout, 'string')
    t.regex(layout as string, /not found/)
  }
  const none = raw.search(probes, [...maxima, [new native.Memory({ initial: 0, maximum: 5 }), 6]])
  t.regex(none as string, /the maximum of a memory is not found/)
  for (const wrong of [[], [[]], [[other()]], [[other(), {}]], 5, null]) {
    t.throws(() => raw.search(wrong as never, maxima), { instanceOf: TypeError })
    t.throws(() => raw.search(probes, wrong as never), { instanceOf: TypeError })
  }
})

test('an examination leaves bounds checks as they were', (t) => {
  const status = backends().find(({ name }) => name === 'node-raw')
  t.deepEqual(status?.available, true, status?.reason)
  const bytes = accessModule(0)
  const prepared = hostMemories(bytes, moduleLayout(bytes), newSeal())
  const linked = prepared?.link?.({ t: { s() {} } })
  const instance = new native.Instance(
    new native.Module(prepared?.bytes as Uint8Array<ArrayBuffer>),
    linked?.imports,
  )
  const memory = linked?.memories[0] as object
  const layout = raw.search(layoutProbes(native), maximumProbes(native)) as object
  const target = raw.target(layout, raw.lock(layout, memory), instance, 0, memory, bufferOf, 0, 99)
  using region = HostRegion.allocate(100)
  region.view(Uint8Array).fill(7)
  const { handle } = regionParts(region)
  nodeBackends.show(target, handle, 0, 10)
  // Code that relies on guard pages reads on.
  t.is(instance.exports.load(50), 7)
  nodeBackends.restore(target)
})

for (const [flag, reason] of [
  ['--no-wasm-bounds-checks', /V8 does not check bounds explicitly, also when it is told to/],
  ['--wasm-max-mem-pages=100', /the flag --wasm-max-mem-pages is set/],
] as const) {
  test(`with ${flag} the backend is refused, and says why`, async (t) => {
    const script = new URL('print-backends.ts', import.meta.url)
    const { exitCode, stdout, stderr } = await runScript(script, { nodeArgs: [flag] })
    t.is(exitCode, 0, stderr)
    const statuses = JSON.parse(stdout) as ReturnType<typeof backends>
    const status = statuses.find(({ name }) => name === 'node-raw')
    t.is(status?.available, false)
    t.regex(status?.reason ?? '', reason)
  })
}
