import { execFileSync } from 'node:child_process'
import test from 'ava'
import { deserializeModule, serializeModule, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const bytes = wat('(module (func (export "f") (result i32) (i32.const 7)))')

/** A module whose one function has run, hence has code to serialize. */
function warm(): WebAssembly.Module {
  const module = new WebAssembly.Module(bytes)
  new WebAssembly.Instance(module).exports.f()
  return module
}

const damaged = { instanceOf: TypeError, message: /^cache must be what serializeModule gave/ }

test('a deserialized module runs, and says what the original says', (t) => {
  const cache = serializeModule(warm())
  t.true(cache.byteLength > 100)
  const module = deserializeModule(cache, bytes)
  t.true(module instanceof WebAssembly.Module)
  t.is(new WebAssembly.Instance(module).exports.f(), 7)
  t.deepEqual(WebAssembly.Module.exports(module), [{ name: 'f', kind: 'function' }])
  t.deepEqual(serializeModule(module), cache)
  const view = new DataView(new ArrayBuffer(cache.byteLength + 3), 3)
  new Uint8Array(view.buffer, 3).set(cache)
  t.is(new WebAssembly.Instance(deserializeModule(view, bytes.buffer)).exports.f(), 7)
})

test('a module without optimised code has a cache as well', (t) => {
  for (const module of [new WebAssembly.Module(wat('(module)')), new WebAssembly.Module(bytes)]) {
    const source = WebAssembly.Module.exports(module).length === 0 ? wat('(module)') : bytes
    const again = deserializeModule(serializeModule(module), source)
    t.is(new WebAssembly.Instance(again).exports.f?.() ?? 7, 7)
  }
})

test('a cache with any byte changed, cut off or added is refused', (t) => {
  const cache = serializeModule(warm())
  for (let at = 0; at < cache.byteLength; at += 3) {
    const changed = cache.slice()
    changed[at] = (changed[at] as number) ^ (1 << (at % 8))
    t.throws(() => deserializeModule(changed, bytes), damaged)
  }
  for (const length of [0, 1, 31, 32, 33, cache.byteLength - 1]) {
    t.throws(() => deserializeModule(cache.subarray(0, length), bytes), damaged)
  }
  const longer = new Uint8Array(cache.byteLength + 1)
  longer.set(cache)
  t.throws(() => deserializeModule(longer, bytes), damaged)
  t.is(new WebAssembly.Instance(deserializeModule(cache, bytes)).exports.f(), 7)
})

test('a cache of another module is refused, so is one with bytes that are no module', (t) => {
  const cache = serializeModule(warm())
  const other = wat('(module (func (export "f") (result i32) (i32.const 8)))')
  for (const wrong of [other, new Uint8Array(), bytes.subarray(1), cache]) {
    t.throws(() => deserializeModule(cache, wrong), damaged)
  }
})

test('a cache of an engine with other flags is refused', (t) => {
  const script = `
    import { serializeModule, WebAssembly } from 'v8-rawmem'
    const module = new WebAssembly.Module(Buffer.from('${Buffer.from(bytes).toString('hex')}', 'hex'))
    new WebAssembly.Instance(module).exports.f()
    process.stdout.write(Buffer.from(serializeModule(module)).toString('hex'))`
  const serializedWith = (flags: string) =>
    Buffer.from(
      execFileSync(
        process.execPath,
        ['--import=tsx', '--conditions=v8-rawmem-source', '--input-type=module', '--eval', script],
        { env: { ...process.env, V8_RAWMEM_FLAGS: flags }, encoding: 'utf8' },
      ),
      'hex',
    )
  t.is(new WebAssembly.Instance(deserializeModule(serializedWith(''), bytes)).exports.f(), 7)
  t.throws(() => deserializeModule(serializedWith('--no-wasm-inlining'), bytes), {
    instanceOf: TypeError,
    message: /^cache must come from this kind of processor/,
  })
})

test('a module with builtins is refused at the way back', (t) => {
  const source = wat(`(module
    (import "wasm:js-string" "length" (func $length (param externref) (result i32)))
    (func (export "f") (param externref) (result i32) (call $length (local.get 0))))`)
  const module = new WebAssembly.Module(source, { builtins: ['js-string'] })
  t.is(new WebAssembly.Instance(module).exports.f('abc'), 3)
  t.throws(() => deserializeModule(serializeModule(module), source), {
    instanceOf: TypeError,
    message: /builtins/,
  })
})

test('bad arguments are named', (t) => {
  const cache = serializeModule(warm())
  const serialize = serializeModule as (...args: unknown[]) => unknown
  const deserialize = deserializeModule as (...args: unknown[]) => unknown
  for (const wrong of [undefined, null, 1, {}, bytes]) {
    t.throws(() => serialize(wrong), { instanceOf: TypeError, message: /WebAssembly.Module/ })
  }
  for (const wrong of [undefined, null, 'x', {}]) {
    t.throws(() => deserialize(wrong, bytes), { instanceOf: TypeError, message: /Argument 0/ })
    t.throws(() => deserialize(cache, wrong), { instanceOf: TypeError, message: /Argument 1/ })
  }
})
