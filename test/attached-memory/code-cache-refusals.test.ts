import { execFileSync } from 'node:child_process'
import test from 'ava'
import {
  deserializeModule,
  HostRegion,
  serializeModule,
  setWasmInstanceWindow,
  WebAssembly,
} from 'v8-rawmem'
import { typescript } from '../support/typescript.ts'
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
      execFileSync(process.execPath, [...typescript, '--input-type=module', '--eval', script], {
        env: { ...process.env, V8_RAWMEM_FLAGS: flags },
        encoding: 'utf8',
      }),
      'hex',
    )
  t.is(new WebAssembly.Instance(deserializeModule(serializedWith(''), bytes)).exports.f(), 7)
  t.throws(() => deserializeModule(serializedWith('--no-wasm-inlining'), bytes), {
    instanceOf: TypeError,
    message: /^cache must come from .* this kind of processor/,
  })
})

const otherOptions = { instanceOf: TypeError, message: /compiled with the same options/ }

test('a module that was compiled with options comes back with them, and only with them', (t) => {
  const source = wat(`(module
    (import "wasm:js-string" "length" (func $length (param externref) (result i32)))
    (import "text" "four" (global $four externref))
    (func (export "f") (param externref) (result i32)
      (i32.add (call $length (local.get 0)) (call $length (global.get $four)))))`)
  const options = { builtins: ['js-string'], importedStringConstants: 'text' }
  const module = new WebAssembly.Module(source, options)
  t.is(new WebAssembly.Instance(module).exports.f('abc'), 7)
  const cache = serializeModule(module)
  const again = deserializeModule(cache, source, options)
  t.is(new WebAssembly.Instance(again).exports.f('abc'), 7)
  for (const wrong of [
    undefined,
    {},
    { builtins: ['js-string'] },
    { ...options, importedStringConstants: 'other' },
    { ...options, hostWindows: true },
  ]) {
    t.throws(() => deserializeModule(cache, source, wrong), otherOptions)
  }
  t.throws(() => deserializeModule(cache, source, { tiering: 'x' as never }), {
    message: /options.tiering must be/,
  })
})

test('a module that has host windows by option comes back with them, and only with them', (t) => {
  const source = wat(`(module
    (memory 1)
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`)
  const shown = HostRegion.allocate(100)
  shown.view(Uint8Array).fill(7)
  const last = 0x9000_0063
  const withWindows = new WebAssembly.Module(source, { hostWindows: true })
  const without = new WebAssembly.Module(source)
  for (const module of [withWindows, without]) new WebAssembly.Instance(module).exports.load(0)
  const cache = serializeModule(withWindows)
  for (let round = 0; round < 2; round++) {
    const module = deserializeModule(cache, source, { hostWindows: true })
    const instance = new WebAssembly.Instance(module)
    setWasmInstanceWindow(instance, shown, 1)
    t.is(instance.exports.load(last), 7)
    t.is(instance.exports.load(65_535), 0)
    for (const beyond of [last + 1, 65_536, 0x8000_0000]) {
      t.throws(() => instance.exports.load(beyond), { instanceOf: WebAssembly.RuntimeError })
    }
    t.deepEqual(serializeModule(module), cache)
  }
  t.throws(() => deserializeModule(cache, source), otherOptions)
  t.throws(() => deserializeModule(cache, source, { hostWindows: false }), otherOptions)
  const plain = serializeModule(without)
  t.throws(() => deserializeModule(plain, source, { hostWindows: true }), otherOptions)
  t.is(new WebAssembly.Instance(deserializeModule(plain, source)).exports.load(65_535), 0)
})

test('a cache is taken from within a call', (t) => {
  const caller = wat('(module (import "m" "f" (func $f)) (func (export "run") (call $f)))')
  const cache = serializeModule(warm())
  const f = () => {
    t.is(new WebAssembly.Instance(deserializeModule(cache, bytes)).exports.f(), 7)
  }
  t.plan(1)
  new WebAssembly.Instance(new WebAssembly.Module(caller), { m: { f } }).exports.run()
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
