// Faults beside those of host memory, in a process of their own: what it is
// asked to do is its first argument.
import { truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { HostRegion, openBackend } from 'v8-rawmem'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'

const [what, folder] = (isMainThread ? process.argv.slice(2) : workerData.data) as [string, string]

/** A region whose second page is lost. */
function cutShort(): HostRegion {
  const path = join(folder, `${Math.random()}`)
  writeFileSync(path, Buffer.alloc(8192, 1))
  const region = HostRegion.mapFile(path)
  truncateSync(path, 4096)
  return region
}

/** What a page that is lost reads as. */
const lost = (region = cutShort()) => region.view(Uint8Array)[4096]

/** Node's own WebAssembly leaves bounds to guard pages and its own handler. */
function trapInNode(): string {
  // biome-ignore lint/suspicious/noExplicitAny: the global namespace has no types here
  const { Instance, Module } = (globalThis as any).WebAssembly
  const text =
    '(module (memory 1) (func (export "load") (param i32) (result i32) (i32.load (local.get 0))))'
  const { load } = new Instance(new Module(wat(text))).exports
  try {
    return String(load(0x7fff_0000))
  } catch (error) {
    return (error as Error).message
  }
}

/** What a program and JavaScript see where pages of a file lie in a memory of Node's own engine. */
function loseRewired(writable: boolean): unknown[] {
  const { HostRegion, setWasmInstanceRawMemory, WebAssembly } = openBackend('node-rewire')
  const page = 65_536
  const path = join(folder, `${Math.random()}`)
  writeFileSync(path, Buffer.alloc(4 * page, 1))
  const region = HostRegion.mapFile(path, { writable })
  const part = region.subarray(page)
  const module = new WebAssembly.Module(
    wat(`(module
      (memory (export "memory") 4)
      (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`),
  )
  const instance = new WebAssembly.Instance(module)
  const { load, memory } = instance.exports
  setWasmInstanceRawMemory(instance, part)
  truncateSync(path, 2 * page)
  const seen = [load(2 * page), region.damaged?.byteOffset, load(0)]
  seen.push(new Uint8Array(memory.buffer)[page], region.damaged?.byteOffset)
  setWasmInstanceRawMemory(instance, null)
  return [...seen, load(0), region.damaged?.byteOffset]
}

const actions: Record<string, () => unknown> = {
  rewired: () => [loseRewired(false), loseRewired(true)],
  /** A fault of nobody's. */
  wild() {
    lost()
    return HostRegion.at(4096, 8).view(Uint8Array)[0]
  },
  sent() {
    lost()
    process.kill(process.pid, 'SIGBUS')
    return new Promise((resolve) => setTimeout(resolve, 10_000))
  },
  both: () => [lost(), trapInNode(), lost(), trapInNode()],
  /** A handler that was installed later, and lets no other see the signal. */
  later() {
    lost()
    process.on('SIGBUS', () => {})
    return [lost(), trapInNode()]
  },
  threads: () =>
    new Promise((resolve) => {
      const worker = startWorker(new URL(import.meta.url), ['both', folder])
      worker.on('message', (message) => resolve([message, lost()]))
    }),
}

const result = await actions[what]?.()
if (isMainThread) console.log(JSON.stringify(result))
else parentPort?.postMessage(result)
