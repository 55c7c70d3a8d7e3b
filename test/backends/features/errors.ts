import { equal, ok, throws } from 'node:assert/strict'
import { accessors, type Feature } from '../feature.ts'

const size = 65536

export const errors: Feature[] = [
  {
    name: "a trap is a WebAssembly.RuntimeError, Node's own class",
    check({ HostRegion, region: keep, accessors, setWasmInstanceRawMemory, WebAssembly }) {
      const region = keep(HostRegion.allocate(size))
      const { instance, load } = accessors(size)
      setWasmInstanceRawMemory(instance, region)
      const error = (() => {
        try {
          load(size)
        } catch (thrown) {
          return thrown
        }
        return undefined
      })() as Error
      const { WebAssembly: native } = globalThis as unknown as { WebAssembly: typeof WebAssembly }
      ok(error instanceof WebAssembly.RuntimeError)
      ok(error instanceof native.RuntimeError)
      equal(error.message, 'memory access out of bounds')
      ok(error.stack?.includes('wasm'))
      // Life goes on.
      equal(load(size - 1), 0)
      setWasmInstanceRawMemory(instance, null)
      region.close()
    },
  },
  {
    name: 'errors pass from an import through the module',
    check({ HostRegion, region: keep, initial, instantiate, setWasmInstanceRawMemory }) {
      const region = keep(HostRegion.allocate(size))
      const thrown = new Error('thrown by the import')
      const instance = instantiate(
        `(module (import "env" "f" (func $f)) (memory (export "memory") ${initial(size)})
          (func (export "run") (result i32) (call $f) (i32.load (i32.const 0))))`,
        {
          env: {
            f() {
              setWasmInstanceRawMemory(instance, null)
              throw thrown
            },
          },
        },
      )
      setWasmInstanceRawMemory(instance, region)
      throws(
        () => instance.exports.run(),
        (error) => error === thrown,
      )
      region.close()
    },
  },
  {
    name: 'what is not of this backend is refused',
    check({ HostRegion, region: keep, wat, compile, setWasmInstanceRawMemory, WebAssembly }) {
      const region = keep(HostRegion.allocate(size))
      const { WebAssembly: native } = globalThis as unknown as { WebAssembly: typeof WebAssembly }
      const foreign = new native.Instance(new native.Module(wat(accessors(1))))
      const named = { name: 'TypeError', message: /^instance must be/ }
      for (const value of [foreign, {}, null, undefined, 1, compile(accessors(1))]) {
        throws(() => setWasmInstanceRawMemory(value as never, region), named)
      }
      const instance = new WebAssembly.Instance(compile(accessors(1)))
      for (const value of [{}, undefined, new ArrayBuffer(size), 1]) {
        throws(() => setWasmInstanceRawMemory(instance, value as never), {
          name: 'TypeError',
          message: /^region must be/,
        })
      }
      throws(() => setWasmInstanceRawMemory(instance, region, 1), { name: 'RangeError' })
      throws(() => setWasmInstanceRawMemory(instance, region, -1), { name: 'RangeError' })
      throws(() => setWasmInstanceRawMemory(instance, region, 'x' as never), { name: 'TypeError' })
    },
  },
  {
    name: 'detaching what is not attached does nothing',
    check({ accessors, setWasmInstanceRawMemory }) {
      const { instance, size: pages } = accessors(0)
      setWasmInstanceRawMemory(instance, null)
      setWasmInstanceRawMemory(instance, null)
      equal(pages(), 0)
    },
  },
]
