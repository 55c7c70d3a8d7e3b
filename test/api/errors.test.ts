import test from 'ava'
import { WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

function instantiate(text: string, imports?: WebAssembly.Imports): WebAssembly.Exports {
  return new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports).exports
}

test('a trap is a RuntimeError of Node’s, with the frames of the module above the caller’s', (t) => {
  const { outer } = instantiate(`(module
    (func $inner unreachable)
    (func $outer (export "outer") call $inner))`)
  function callingFunction(): void {
    outer()
  }
  const error = t.throws(callingFunction, {
    instanceOf: WebAssembly.RuntimeError,
    message: 'unreachable',
  }) as Error
  const lines = (error.stack as string).split('\n')
  t.is(lines[0], 'RuntimeError: unreachable')
  t.regex(lines[1] as string, /wasm-function\[0\]:0x[0-9a-f]+/)
  t.regex(lines[2] as string, /wasm-function\[1\]:0x[0-9a-f]+/)
  t.regex(lines[3] as string, /callingFunction/)
  t.notRegex(error.stack as string, /bindings/)
})

test('every kind of trap', (t) => {
  const exports = instantiate(`(module
    (memory 1)
    (table 1 funcref)
    (type $t (func))
    (func (export "divide") (param i32) (result i32) (i32.div_s (i32.const 1) (local.get 0)))
    (func (export "overflow") (result i32) (i32.div_s (i32.const 0x80000000) (i32.const -1)))
    (func (export "truncate") (result i32) (i32.trunc_f64_s (f64.const nan)))
    (func (export "memory") (result i32) (i32.load (i32.const 65533)))
    (func (export "table") (call_indirect (type $t) (i32.const 1)))
    (func (export "null") (call_indirect (type $t) (i32.const 0))))`)
  const messages = {
    divide: 'divide by zero',
    overflow: 'divide result unrepresentable',
    truncate: 'float unrepresentable in integer range',
    memory: 'memory access out of bounds',
    table: 'table index is out of bounds',
  }
  for (const [name, message] of Object.entries(messages)) {
    t.throws(() => exports[name](0), { instanceOf: WebAssembly.RuntimeError, message })
  }
  t.throws(() => exports.null(), { instanceOf: WebAssembly.RuntimeError })
})

test('what an import throws comes out as the same value', (t) => {
  let thrown: unknown
  const { f } = instantiate('(module (import "env" "g" (func $g)) (func (export "f") call $g))', {
    env: {
      g: () => {
        throw thrown
      },
    },
  })
  for (thrown of [
    new Error('mine'),
    { any: 'object' },
    'text',
    5,
    null,
    undefined,
    Symbol('s'),
    () => {},
  ]) {
    let caught: unknown = 'nothing'
    try {
      f()
    } catch (error) {
      caught = error
    }
    t.is(caught, thrown)
  }
})

test('the stack of an error from an import is its own', (t) => {
  const error = new Error('mine')
  const { stack } = error
  const { f } = instantiate('(module (import "env" "g" (func $g)) (func (export "f") call $g))', {
    env: {
      g: () => {
        throw error
      },
    },
  })
  t.throws(f)
  t.is(error.stack, stack)
})

test('errors pass through several levels of both', (t) => {
  const inner = instantiate('(module (func (export "trap") unreachable))')
  let seen: unknown
  const { f } = instantiate('(module (import "env" "g" (func $g)) (func (export "f") call $g))', {
    env: {
      g: () => {
        try {
          inner.trap()
        } catch (error) {
          seen = error
          throw error
        }
      },
    },
  })
  const error = t.throws(f, { instanceOf: WebAssembly.RuntimeError })
  t.is(error, seen as Error)
})

test('WebAssembly code catches what JavaScript throws, but no traps', (t) => {
  const trap = instantiate('(module (func (export "trap") unreachable))').trap
  let g: () => void
  const { f } = instantiate(
    `(module
      (import "env" "g" (func $g))
      (func (export "f") (result i32)
        (try (result i32)
          (do (call $g) (i32.const 0))
          (catch_all (i32.const 1)))))`,
    { env: { g: () => g() } },
  )
  g = () => {}
  t.is(f(), 0)
  g = () => {
    throw new Error('mine')
  }
  t.is(f(), 1)
  g = trap
  t.throws(f, { instanceOf: WebAssembly.RuntimeError })
})

test('rethrown by WebAssembly code, an error is still the same', (t) => {
  const mine = new Error('mine')
  const { f } = instantiate(
    `(module
      (import "env" "g" (func $g))
      (func (export "f") (try (do (call $g)) (catch_all (rethrow 0)))))`,
    {
      env: {
        g: () => {
          throw mine
        },
      },
    },
  )
  t.is(t.throws(f), mine)
})

test('exceptions of WebAssembly code carry their tag and values', (t) => {
  const { f, tag } = instantiate(`(module
    (tag $tag (export "tag") (param i32 i64))
    (func (export "f") (throw $tag (i32.const 5) (i64.const 6))))`)
  let exception: WebAssembly.Exception | undefined
  try {
    f()
  } catch (error) {
    exception = error as WebAssembly.Exception
  }
  t.true(exception instanceof WebAssembly.Exception)
  t.true(exception?.is(tag))
  t.is(exception?.getArg(tag, 0), 5)
  t.is(exception?.getArg(tag, 1), 6n)
  t.false(exception?.is(new WebAssembly.Tag({ parameters: ['i32', 'i64'] })))
  t.throws(() => exception?.getArg(tag, 2), { instanceOf: RangeError })
})

test('exceptions made by JavaScript are caught by their tag', (t) => {
  const tag = new WebAssembly.Tag({ parameters: ['i32', 'externref'] })
  const other = new WebAssembly.Tag({ parameters: [] })
  let thrown: unknown
  const { f } = instantiate(
    `(module
      (import "env" "tag" (tag $tag (param i32 externref)))
      (import "env" "g" (func $g))
      (func (export "f") (result i32 externref)
        (try (result i32 externref)
          (do (call $g) (i32.const 0) (ref.null extern))
          (catch $tag))))`,
    {
      env: {
        tag,
        g: () => {
          throw thrown
        },
      },
    },
  )
  const object = {}
  thrown = new WebAssembly.Exception(tag, [7, object])
  t.deepEqual(f(), [7, object])
  t.is(f()[1], object)
  thrown = new WebAssembly.Exception(other, [])
  let caught: unknown
  try {
    f()
  } catch (error) {
    caught = error
  }
  t.is(caught, thrown)
  t.throws(() => new WebAssembly.Exception(tag, [1]), { instanceOf: TypeError })
  t.throws(() => new WebAssembly.Exception({} as never, []), { instanceOf: TypeError })
})

test('JSTag catches errors of JavaScript with their value', (t) => {
  const mine = new Error('mine')
  const { f } = instantiate(
    `(module
      (import "env" "tag" (tag $tag (param externref)))
      (import "env" "g" (func $g))
      (func (export "f") (result externref)
        (try (result externref)
          (do (call $g) (ref.null extern))
          (catch $tag))))`,
    {
      env: {
        tag: WebAssembly.JSTag,
        g: () => {
          throw mine
        },
      },
    },
  )
  t.is(f(), mine)
})

test('an own Error.prepareStackTrace and a small stackTraceLimit are no trouble', (t) => {
  const { f } = instantiate('(module (func (export "f") unreachable))')
  const { prepareStackTrace, stackTraceLimit } = Error
  try {
    Error.stackTraceLimit = 0
    t.throws(f, { instanceOf: WebAssembly.RuntimeError })
    Error.stackTraceLimit = 10
    Error.prepareStackTrace = (_, frames) => frames
    t.throws(f, { instanceOf: WebAssembly.RuntimeError })
    Error.prepareStackTrace = () => {
      throw new Error('from prepareStackTrace')
    }
    t.throws(f)
  } finally {
    if (prepareStackTrace === undefined) Reflect.deleteProperty(Error, 'prepareStackTrace')
    else Error.prepareStackTrace = prepareStackTrace
    Error.stackTraceLimit = stackTraceLimit
  }
  t.throws(f, { instanceOf: WebAssembly.RuntimeError })
})

test('a trap in the start function leaves the constructor', (t) => {
  t.throws(() => instantiate('(module (func $f unreachable) (start $f))'), {
    instanceOf: WebAssembly.RuntimeError,
  })
})
