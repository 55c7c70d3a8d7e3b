import test from 'ava'
import { version, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

// biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
const standard = (globalThis as any).WebAssembly

test('the namespace calls itself WebAssembly', (t) => {
  t.is(Object.prototype.toString.call(WebAssembly), '[object WebAssembly]')
})

test('every function and class of the standard namespace in Node 20 is there', (t) => {
  const names = [
    'compile',
    'validate',
    'instantiate',
    'compileStreaming',
    'instantiateStreaming',
    'Module',
    'Instance',
    'Table',
    'Memory',
    'Global',
    'Tag',
    'JSTag',
    'Exception',
    'CompileError',
    'LinkError',
    'RuntimeError',
  ] as const
  for (const name of names) t.true(name in WebAssembly, name)
})

test('error classes are those of Node', (t) => {
  t.is(WebAssembly.CompileError, standard.CompileError)
  t.is(WebAssembly.LinkError, standard.LinkError)
  t.is(WebAssembly.RuntimeError, standard.RuntimeError)
})

test('members of the classes have the attributes of the standard ones', (t) => {
  for (const name of ['Module', 'Instance', 'Memory', 'Table', 'Global'] as const) {
    for (const [ours, theirs] of [
      [WebAssembly[name], standard[name]],
      [WebAssembly[name].prototype, standard[name].prototype],
    ]) {
      for (const [member, expected] of Object.entries(Object.getOwnPropertyDescriptors(theirs))) {
        // Proposals that this Node has and others do not, and relics of sloppy functions.
        if (/^(arguments|caller)$|type|toFixedLengthBuffer|toResizableBuffer/.test(member)) continue
        const { enumerable, configurable } = expected as PropertyDescriptor
        const actual = Object.getOwnPropertyDescriptor(ours, member)
        t.like(actual, { enumerable, configurable }, `${name} ${member}`)
      }
    }
  }
})

test('objects are tagged with their class', (t) => {
  const module = new WebAssembly.Module(wat('(module)'))
  t.is(String(module), '[object WebAssembly.Module]')
  t.is(String(new WebAssembly.Instance(module)), '[object WebAssembly.Instance]')
  t.is(String(new WebAssembly.Memory({ initial: 0 })), '[object WebAssembly.Memory]')
})

test('constructors ask for new', (t) => {
  for (const name of [
    'Module',
    'Instance',
    'Memory',
    'Table',
    'Global',
    'Tag',
    'Exception',
  ] as const) {
    const Class = WebAssembly[name] as unknown as () => void
    t.throws(() => Class(), { instanceOf: TypeError }, name)
  }
})

test('classes can be extended', (t) => {
  class MyMemory extends WebAssembly.Memory {
    get pages(): number {
      return this.buffer.byteLength / 65536
    }
  }
  const memory = new MyMemory({ initial: 3 })
  t.is(memory.pages, 3)
  t.true(memory instanceof WebAssembly.Memory)
})

test('methods refuse receivers of other kinds, proxies included', (t) => {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const table = new WebAssembly.Table({ element: 'anyfunc', initial: 1 })
  const grow = WebAssembly.Memory.prototype.grow as (delta: number) => number
  for (const receiver of [
    table,
    {},
    null,
    undefined,
    1,
    new Proxy(memory, {}),
    Object.create(memory),
  ]) {
    t.throws(() => grow.call(receiver as never, 1), {
      instanceOf: TypeError,
      message: 'WebAssembly.Memory.grow(): Receiver is not a WebAssembly.Memory',
    })
  }
})

test('the version names package and V8', (t) => {
  t.regex(version.v8, /^15\.0\.245\.21/)
  t.regex(version.package, /^\d+\.\d+\.\d+/)
})
