// Run by teardown.test.ts: brings a process to an end in many ways. What must not be seen is a crash or a hang.
import { once } from 'node:events'
import { createContext, runInContext } from 'node:vm'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'

const what = process.argv[2] as string

async function load() {
  const { HostRegion, setWasmInstanceRawMemory, WebAssembly } = await import('v8-rawmem')
  const instantiate = (text: string, imports?: object) =>
    new WebAssembly.Instance(new WebAssembly.Module(wat(text)), imports as never)
  return { HostRegion, setWasmInstanceRawMemory, WebAssembly, instantiate }
}

const calling = `(module
  (import "env" "g" (func $g))
  (memory 1)
  (func (export "f") (call $g))
  (func (export "answer") (result i32) (i32.const 42)))`

const large = () =>
  wat(
    `(module ${Array.from(
      { length: 2000 },
      (_, i) =>
        `(func (result i32) ${'(drop (i32.mul (i32.const 3) (i32.const 4)))'.repeat(50)} i32.const ${i})`,
    ).join('\n')})`,
  )

const cases: Record<string, () => unknown> = {
  async 'the end of the program'() {
    const { instantiate } = await load()
    instantiate(calling, { env: { g: () => {} } }).exports.f()
  },
  async 'the end of the program while attached'() {
    const { HostRegion, instantiate, setWasmInstanceRawMemory } = await load()
    for (let i = 0; i < 50; ++i) {
      setWasmInstanceRawMemory(
        instantiate(calling, { env: { g: () => {} } }),
        i % 2 === 0 ? HostRegion.allocate(1 << 20) : HostRegion.from(new Uint8Array(1 << 20)),
      )
    }
  },
  async 'a compilation that nobody waits for'() {
    const { WebAssembly } = await load()
    // The event loop has nothing else to live for.
    void WebAssembly.compile(large()).then(() => console.log('compiled'))
  },
  async 'process.exit() after loading'() {
    await load()
    process.exit(3)
  },
  async 'process.exit() in an import'() {
    const { instantiate } = await load()
    instantiate(calling, { env: { g: () => process.exit(4) } }).exports.f()
  },
  async 'process.exit() in an import, nested'() {
    const { instantiate } = await load()
    const inner = instantiate(calling, { env: { g: () => process.exit(4) } })
    instantiate(calling, { env: { g: () => inner.exports.f() } }).exports.f()
  },
  async 'process.exit() with compilations under way'() {
    const { WebAssembly } = await load()
    const bytes = large()
    for (let i = 0; i < 10; ++i) void WebAssembly.compile(bytes)
    process.exit(5)
  },
  async 'process.exit() in an exit handler that calls exports'() {
    const { instantiate } = await load()
    const { exports } = instantiate(calling, { env: { g: () => {} } })
    process.on('exit', () => {
      console.log('exit', exports.answer())
      process.exit(6)
    })
  },
  async 'an uncaught error from an import'() {
    const { instantiate } = await load()
    instantiate(calling, {
      env: {
        g: () => {
          throw new Error('mine')
        },
      },
    }).exports.f()
  },
  async 'process.exit() while workers run'() {
    await load()
    const workers = ['endless loop', 'endless calls', 'attached'].map((task) =>
      startWorker(new URL('./worker.ts', import.meta.url), { task }),
    )
    await Promise.all(workers.map((worker) => once(worker, 'message')))
    process.exit(8)
  },
  async 'a worker that was the only one to load the package'() {
    // The second one finds what the first one left behind.
    for (let i = 0; i < 2; ++i) {
      const worker = startWorker(new URL('./teardown-worker.ts', import.meta.url), undefined)
      worker.on('message', (message) => console.log('worker', message))
      await once(worker, 'exit')
    }
  },
  async 'the timeout of node:vm in an endless loop'() {
    const { instantiate } = await load()
    const { exports } = instantiate(
      '(module (func (export "f") (loop $again (br $again))) (func (export "answer") (result i32) (i32.const 42)))',
    )
    try {
      runInContext('f(); while (true);', createContext({ f: exports.f }), { timeout: 200 })
    } catch {
      console.log('interrupted')
    }
    console.log(exports.answer())
  },
}

await cases[what]?.()
