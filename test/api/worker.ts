// Run by workers.test.ts.
import { parentPort, workerData } from 'node:worker_threads'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const post = (message: unknown) => parentPort?.postMessage(message)
const instantiate = (text: string, imports?: WebAssembly.Imports) =>
  new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports)

const summing = `(module
  (memory 1)
  (func (export "sum") (param $length i32) (result i32)
    (local $sum i32)
    (loop $next
      (local.set $length (i32.sub (local.get $length) (i32.const 1)))
      (local.set $sum (i32.add (local.get $sum) (i32.load8_u (local.get $length))))
      (br_if $next (local.get $length)))
    (local.get $sum)))`

const tasks: Record<string, (data: { bytes: Uint8Array; index: number }) => unknown> = {
  sum({ bytes, index }) {
    const part = bytes.length / 4
    const instance = instantiate(summing)
    const region = HostRegion.from(bytes.subarray(index * part, (index + 1) * part))
    setWasmInstanceRawMemory(instance, region)
    let sum = 0
    for (let i = 0; i < 50; ++i) sum = instance.exports.sum(part)
    post(sum)
  },
  async compile() {
    const { instance } = await WebAssembly.instantiate(wat(summing))
    if (instance.exports.sum(1) !== 0) throw new Error('wrong sum')
  },
  'compile and exit'() {
    const functions = Array.from(
      { length: 2000 },
      (_, i) =>
        `(func (result i32) ${'(drop (i32.mul (i32.const 3) (i32.const 4)))'.repeat(50)} i32.const ${i})`,
    )
    const bytes = wat(`(module ${functions.join('\n')})`)
    for (let i = 0; i < 5; ++i) void WebAssembly.compile(bytes)
    process.exit(7)
  },
  'endless loop'() {
    const { exports } = instantiate('(module (func (export "f") (loop $again (br $again))))')
    post('started')
    exports.f()
  },
  'endless calls'() {
    const { exports } = instantiate(
      '(module (import "env" "g" (func $g)) (func (export "f") (loop $again (call $g) (br $again))))',
      { env: { g: () => {} } },
    )
    post('started')
    exports.f()
  },
  'endless catching'() {
    const { exports } = instantiate(
      `(module
        (import "env" "g" (func $g))
        (func (export "f") (loop $again (try (do (call $g)) (catch_all)) (br $again))))`,
      {
        env: {
          g: () => {
            throw new Error('mine')
          },
        },
      },
    )
    post('started')
    for (;;) {
      try {
        exports.f()
      } catch {}
    }
  },
  attached() {
    const instances = Array.from({ length: 20 }, () => instantiate(summing))
    const regions = instances.map((instance, i) => {
      const region =
        i % 2 === 0 ? HostRegion.allocate(1 << 20) : HostRegion.from(new Uint8Array(1 << 20))
      setWasmInstanceRawMemory(instance, region)
      return region
    })
    post(regions.length)
    const { exports } = instances[0] as WebAssembly.Instance
    for (;;) exports.sum(1 << 20)
  },
  'exit in import'() {
    const { exports } = instantiate(
      '(module (import "env" "g" (func $g)) (func (export "f") (loop $again (call $g) (br $again))))',
      { env: { g: () => process.exit(9) } },
    )
    exports.f()
  },
}

const { data } = workerData as { data: { task: string; bytes: Uint8Array; index: number } }
await tasks[data.task]?.(data)
