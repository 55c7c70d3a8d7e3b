import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const answer = wat('(module (func (export "f") (result i32) i32.const 42))')

function customSection(name: string, content: number[]): number[] {
  const bytes = [name.length, ...Buffer.from(name), ...content]
  return [0, bytes.length, ...bytes]
}

test('compiles and runs on the spot', (t) => {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(answer))
  t.is(instance.exports.f(), 42)
})

test('compile() gives a module', async (t) => {
  const module = await WebAssembly.compile(answer)
  t.true(module instanceof WebAssembly.Module)
  t.is(new WebAssembly.Instance(module).exports.f(), 42)
})

test('instantiate() of bytes gives module and instance', async (t) => {
  const { module, instance } = await WebAssembly.instantiate(answer)
  t.true(module instanceof WebAssembly.Module)
  t.true(instance instanceof WebAssembly.Instance)
  t.is(instance.exports.f(), 42)
})

test('instantiate() of a module gives an instance', async (t) => {
  const instance = await WebAssembly.instantiate(new WebAssembly.Module(answer))
  t.true(instance instanceof WebAssembly.Instance)
})

test('bytes can be given in every way that holds bytes', async (t) => {
  const inTheMiddle = new Uint8Array(answer.length + 8)
  inTheMiddle.set(answer, 5)
  const shared = new Uint8Array(new SharedArrayBuffer(answer.length))
  shared.set(answer)
  const sources = [
    answer,
    answer.buffer,
    Buffer.from(answer),
    new DataView(inTheMiddle.buffer, 5, answer.length),
    inTheMiddle.subarray(5, 5 + answer.length),
    shared,
    shared.buffer,
  ]
  for (const source of sources) {
    t.is(new WebAssembly.Instance(new WebAssembly.Module(source)).exports.f(), 42)
    t.is((await WebAssembly.instantiate(source)).instance.exports.f(), 42)
    t.true(WebAssembly.validate(source))
  }
})

test('bytes may be overwritten or transferred as soon as compile() has returned', async (t) => {
  const bytes = answer.slice()
  const promise = WebAssembly.compile(bytes)
  bytes.fill(0)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  t.is(new WebAssembly.Instance(await promise).exports.f(), 42)
})

test('what is not bytes is a TypeError', async (t) => {
  for (const source of [undefined, null, 1, 'asm', {}, [0, 97, 115, 109]]) {
    const expected = { instanceOf: TypeError, message: /Argument 0 must be a buffer source/ }
    t.throws(() => new WebAssembly.Module(source as never), expected)
    t.throws(() => WebAssembly.validate(source as never), expected)
    await t.throwsAsync(WebAssembly.compile(source as never), expected)
    await t.throwsAsync(WebAssembly.instantiate(source as never), expected)
  }
})

test('no bytes, or those of a detached buffer, are a CompileError', async (t) => {
  const detached = answer.slice()
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  for (const source of [new Uint8Array(), detached]) {
    t.throws(() => new WebAssembly.Module(source), { instanceOf: WebAssembly.CompileError })
    await t.throwsAsync(WebAssembly.compile(source), { instanceOf: WebAssembly.CompileError })
  }
})

test('an invalid module is a CompileError that says where', async (t) => {
  const broken = answer.slice()
  broken[broken.length - 1] = 0xff
  const expected = { instanceOf: WebAssembly.CompileError, message: /@\+\d+/ }
  t.throws(() => new WebAssembly.Module(broken), expected)
  await t.throwsAsync(WebAssembly.compile(broken), expected)
  await t.throwsAsync(WebAssembly.instantiate(broken), expected)
  t.false(WebAssembly.validate(broken))
})

test('imports and exports are described', (t) => {
  const module = new WebAssembly.Module(
    wat(`(module
      (import "env" "f" (func))
      (import "env" "g" (global i32))
      (import "other" "m" (memory 1))
      (import "" "t" (table 1 funcref))
      (func (export "run"))
      (memory (export "\\c3\\bc") 1)
      (global (export "__proto__") i32 (i32.const 1)))`),
  )
  t.deepEqual(WebAssembly.Module.imports(module), [
    { module: 'env', name: 'f', kind: 'function' },
    { module: 'env', name: 'g', kind: 'global' },
    { module: 'other', name: 'm', kind: 'memory' },
    { module: '', name: 't', kind: 'table' },
  ])
  t.deepEqual(WebAssembly.Module.exports(module), [
    { name: 'run', kind: 'function' },
    { name: 'ü', kind: 'memory' },
    { name: '__proto__', kind: 'global' },
  ])
})

test('custom sections are copied out', (t) => {
  const bytes = new Uint8Array([
    ...answer,
    ...customSection('a', [1, 2, 3]),
    ...customSection('b', [4]),
    ...customSection('a', []),
  ])
  const module = new WebAssembly.Module(bytes)
  const sections = WebAssembly.Module.customSections(module, 'a')
  t.deepEqual(
    sections.map((section) => [...new Uint8Array(section)]),
    [[1, 2, 3], []],
  )
  t.deepEqual(WebAssembly.Module.customSections(module, 'c'), [])
  t.throws(() => WebAssembly.Module.customSections(module, undefined as never), {
    instanceOf: TypeError,
  })
})

test('static methods refuse what is no module', (t) => {
  for (const method of ['imports', 'exports', 'customSections'] as const) {
    t.throws(() => (WebAssembly.Module[method] as (module: unknown) => void)({}), {
      instanceOf: TypeError,
      message: `WebAssembly.Module.${method}(): Argument 0 must be a WebAssembly.Module`,
    })
  }
})

test('the global namespace’s modules are not taken', (t) => {
  // biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
  const foreign = new (globalThis as any).WebAssembly.Module(answer)
  t.throws(() => new WebAssembly.Instance(foreign), {
    instanceOf: TypeError,
    message: 'WebAssembly.Instance(): Argument 0 must be a WebAssembly.Module',
  })
})

test('streaming takes a response of the right type', async (t) => {
  const response = (type: string, status = 200) =>
    new Response(answer, { status, headers: { 'content-type': type } })
  const module = await WebAssembly.compileStreaming(response('application/wasm'))
  t.is(new WebAssembly.Instance(module).exports.f(), 42)
  const { instance } = await WebAssembly.instantiateStreaming(
    Promise.resolve(response('Application/WASM; charset=x')),
  )
  t.is(instance.exports.f(), 42)
  await t.throwsAsync(WebAssembly.compileStreaming(response('text/plain')), {
    instanceOf: TypeError,
    message: /application\/wasm/,
  })
  await t.throwsAsync(WebAssembly.compileStreaming(response('application/wasm', 404)), {
    instanceOf: TypeError,
    message: /404/,
  })
  await t.throwsAsync(WebAssembly.compileStreaming({} as never), { instanceOf: TypeError })
  await t.throwsAsync(WebAssembly.compileStreaming(Promise.reject(new Error('offline'))), {
    message: 'offline',
  })
})

test('the promise functions reject, whatever is wrong', async (t) => {
  await t.throwsAsync(WebAssembly.instantiate(answer, 1 as never), { instanceOf: TypeError })
  const imports = wat('(module (import "a" "b" (func)))')
  await t.throwsAsync(WebAssembly.instantiate(imports), { instanceOf: TypeError })
})

test('many modules are compiled at once without blocking the event loop', async (t) => {
  const functions = Array.from(
    { length: 3000 },
    (_, i) =>
      `(func (param i32 i32) (result i32) ${'(local.set 0 (i32.add (local.get 0) (i32.mul (local.get 1) (i32.const 7))))'.repeat(20)} i32.const ${i})`,
  )
  const large = wat(`(module ${functions.join('\n')})`)
  let turns = 0
  const timer = setInterval(() => ++turns, 1)
  try {
    const modules = await Promise.all(Array.from({ length: 4 }, () => WebAssembly.compile(large)))
    t.is(modules.length, 4)
    t.true(turns > 0, 'no timer ran meanwhile')
  } finally {
    clearInterval(timer)
  }
})

test('builtins of strings can be had', (t) => {
  const module = new WebAssembly.Module(
    wat(`(module
      (import "wasm:js-string" "length" (func $length (param externref) (result i32)))
      (func (export "length") (param externref) (result i32) local.get 0 call $length))`),
    { builtins: ['js-string'] },
  )
  t.deepEqual(WebAssembly.Module.imports(module), [])
  t.is(new WebAssembly.Instance(module).exports.length('fünf'), 4)
})

test('imported string constants can be had', (t) => {
  const module = new WebAssembly.Module(
    wat(`(module
      (import "strings" "hello" (global externref))
      (func (export "f") (result externref) global.get 0))`),
    { importedStringConstants: 'strings' },
  )
  t.is(new WebAssembly.Instance(module).exports.f(), 'hello')
})
