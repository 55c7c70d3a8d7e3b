// The namespaces of the node backends, which must be as good as Node's own.
import test from 'ava'
import { openBackend } from 'v8-rawmem'
import { moduleLayout } from '../../bindings/backends/module-layout.ts'
import { wat } from '../support/wat.ts'

const { WebAssembly, HostRegion, setWasmInstanceRawMemory } = openBackend('node-rewire')
const { WebAssembly: native } = globalThis as unknown as { WebAssembly: typeof WebAssembly }

const adder = wat(`(module
  (import "env" "f" (func $f (param i32) (result i32)))
  (import "env" "g" (func $g (param i32) (result i32)))
  (import "other" "memory" (memory 1))
  (func (export "run") (param i32) (result i32)
    (i32.add (call $f (local.get 0)) (call $g (local.get 0)))))`)

const imports = () => ({
  env: { f: (x: number) => x + 1, g: (x: number) => 2 * x },
  other: { memory: new WebAssembly.Memory({ initial: 1 }) },
})

test('classes are those of Node, but for Memory, which extends it', (t) => {
  const module = new WebAssembly.Module(adder)
  const instance = new WebAssembly.Instance(module, imports())
  t.true(module instanceof native.Module)
  t.true(module instanceof WebAssembly.Module)
  t.true(instance instanceof native.Instance)
  t.true(instance instanceof WebAssembly.Instance)
  t.is(instance.exports.run(5), 16)
  t.is(Object.prototype.toString.call(WebAssembly), '[object WebAssembly]')
  t.is(WebAssembly.Table, native.Table)
  t.is(WebAssembly.RuntimeError, native.RuntimeError)
  t.true(new WebAssembly.Memory({ initial: 1 }) instanceof native.Memory)
})

test('classes can be extended', (t) => {
  class OwnModule extends WebAssembly.Module {}
  class OwnInstance extends WebAssembly.Instance {}
  const module = new OwnModule(adder)
  const instance = new OwnInstance(module, imports())
  t.true(module instanceof OwnModule)
  t.true(instance instanceof OwnInstance)
  t.is(instance.exports.run(5), 16)
})

test('every way to an instance gives one that can be attached', async (t) => {
  const bytes = wat(
    '(module (memory 1) (func (export "load") (result i32) (i32.load8_u (i32.const 0))))',
  )
  const response = () =>
    new Response(bytes, { headers: { 'content-type': 'application/wasm' } }) as never
  using region = HostRegion.allocate(65536)
  region.view(Uint8Array)[0] = 12
  const instances = [
    new WebAssembly.Instance(new WebAssembly.Module(bytes)),
    (await WebAssembly.instantiate(bytes)).instance,
    await WebAssembly.instantiate(await WebAssembly.compile(bytes)),
    (await WebAssembly.instantiateStreaming(response())).instance,
    await WebAssembly.instantiate(await WebAssembly.compileStreaming(Promise.resolve(response()))),
    (await WebAssembly.instantiate(new Uint8Array(bytes).buffer)).instance,
  ]
  for (const instance of instances) {
    setWasmInstanceRawMemory(instance, region)
    t.is(instance.exports.load(), 12)
    setWasmInstanceRawMemory(instance, null)
    t.is(instance.exports.load(), 0)
  }
})

test('imports are read once, in the order of the module', (t) => {
  const read: string[] = []
  const watch = <T extends object>(name: string, target: T): T =>
    new Proxy(target, {
      get(object, key) {
        read.push(`${name}${String(key)}`)
        return Reflect.get(object, key)
      },
    })
  const { env, other } = imports()
  const watched = watch('', { env: watch('env.', env), other: watch('other.', other) })
  new WebAssembly.Instance(new WebAssembly.Module(adder), watched)
  t.deepEqual(read, ['env', 'env.f', 'env.g', 'other', 'other.memory'])
})

for (const [what, given] of [
  ['no imports', undefined],
  ['imports that are no object', 5],
  ['null', null],
  ['a module that is missing', {}],
  ['a module that is no object', { env: 5 }],
  ['a function that is missing', { env: {} }],
  ['a function that is none', { env: { f: 5, g: 5 }, other: {} }],
  [
    'a memory that is too small',
    { ...imports(), other: { memory: new native.Memory({ initial: 0 }) } },
  ],
] as const) {
  test(`the error for ${what} is Node's`, async (t) => {
    const thrown = (run: () => unknown) => {
      try {
        run()
        return undefined
      } catch (error) {
        return String(error)
      }
    }
    const expected = thrown(() => new native.Instance(new native.Module(adder), given as never))
    t.truthy(expected)
    t.is(
      thrown(() => new WebAssembly.Instance(new WebAssembly.Module(adder), given as never)),
      expected,
    )
    const [ours, theirs] = await Promise.all(
      [WebAssembly, native].map((namespace) =>
        namespace.instantiate(adder, given as never).then(
          () => undefined,
          (error) => String(error),
        ),
      ),
    )
    t.is(ours, theirs)
  })
}

test('what is no module is refused as by Node', async (t) => {
  for (const bytes of [new Uint8Array(), new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 9])]) {
    const expected = t.throws(() => new native.Module(bytes)).message
    t.throws(() => new WebAssembly.Module(bytes), {
      instanceOf: native.CompileError,
      message: expected,
    })
    await t.throwsAsync(WebAssembly.compile(bytes), { instanceOf: native.CompileError })
    t.false(WebAssembly.validate(bytes))
  }
  t.throws(() => new WebAssembly.Module('text' as never), { instanceOf: TypeError })
  t.throws(() => new WebAssembly.Instance({} as never), { instanceOf: TypeError })
})

test('bytes that change while they are compiled make no difference', async (t) => {
  const bytes = new Uint8Array(adder)
  const compiling = WebAssembly.compile(bytes)
  bytes.fill(0)
  const instance = await WebAssembly.instantiate(await compiling, imports())
  t.is(instance.exports.run(1), 4)
  const shared = new Uint8Array(new SharedArrayBuffer(adder.length))
  shared.set(adder)
  t.is(new WebAssembly.Instance(new WebAssembly.Module(shared), imports()).exports.run(1), 4)
})

test('a module tells what it imports and exports, and no more', (t) => {
  const bytes = wat(`(module
    (import "env" "f" (func)) (memory 1) (memory (export "second") 1) (func (export "run")))`)
  // Node 20 does not know two memories.
  if (!native.validate(bytes)) return t.false(WebAssembly.validate(bytes))
  const module = new WebAssembly.Module(bytes)
  t.deepEqual(WebAssembly.Module.imports(module), [{ module: 'env', name: 'f', kind: 'function' }])
  t.deepEqual(WebAssembly.Module.exports(module), native.Module.exports(new native.Module(bytes)))
})

test('exported memories have what new memories have', (t) => {
  const instance = new WebAssembly.Instance(
    new WebAssembly.Module(wat('(module (memory (export "memory") 1))')),
  )
  const { memory } = instance.exports
  t.true(memory instanceof WebAssembly.Memory)
  t.is(typeof memory.attach, 'function')
  t.is(memory.grow(1), 1)
  t.throws(() => memory.attach(undefined), { instanceOf: TypeError, message: /^region must be/ })
  t.throws(() => WebAssembly.Memory.prototype.attach.call({} as never, null), {
    instanceOf: TypeError,
  })
})

test('the layout of a module tells its memories, whatever else is in it', (t) => {
  const bytes = wat(`(module
    (type $t (func (param i32) (result i32)))
    (import "a" "table" (table 1 2 funcref))
    (import "a" "memory" (memory 1 300))
    (import "a" "global" (global (mut i64)))
    (import "a" "externs" (table 0 externref))
    (import "a" "tag" (tag (param i32)))
    (import "a" "f" (func (type $t)))
    (memory $second (export "second") (export "again") i64 2 70000)
    (memory 3 4 shared)
    (func (export "g")) (global (export "h") i32 (i32.const 1)))`)
  t.like(moduleLayout(bytes).memories, [
    {
      imported: ['a', 'memory'],
      exported: undefined,
      address: 'i32',
      initial: 1n,
      maximum: 300n,
      shared: false,
    },
    {
      imported: undefined,
      exported: 'second',
      address: 'i64',
      initial: 2n,
      maximum: 70000n,
      shared: false,
    },
    {
      imported: undefined,
      exported: undefined,
      address: 'i32',
      initial: 3n,
      maximum: 4n,
      shared: true,
    },
  ])
})

test('the layout of damaged bytes is an error, never something wrong', (t) => {
  const bytes = wat('(module (import "a" "memory" (memory 1 300)) (memory 1))')
  for (let length = 9; length < bytes.length; length++) {
    try {
      moduleLayout(bytes.subarray(0, length))
    } catch (error) {
      t.true(error instanceof RangeError)
    }
  }
  t.throws(() => moduleLayout(new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 5, 3, 1, 64, 1])), {
    message: /limits of a kind that is not known/,
  })
})
