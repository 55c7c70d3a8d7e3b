// Run by interrupts.test.ts: a debugger, on another thread, evaluates code on this one, which is in WebAssembly.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

const [action, tiering] = process.argv.slice(2) as [string, WebAssembly.Tiering]

const module = new WebAssembly.Module(
  wat(`(module
    (import "env" "memory" (memory 0))
    (func (export "spin") (param $rounds i64) (result i32)
      (loop $again
        (local.set $rounds (i64.sub (local.get $rounds) (i64.const 1)))
        (br_if $again
          (i32.and
            (i32.eqz (i32.load (i32.const 0)))
            (i64.ne (local.get $rounds) (i64.const 0)))))
      (i32.load (i32.const 0)))
    (func (export "load") (result i32) (i32.load (i32.const 0))))`),
  { tiering },
)
const memory = new WebAssembly.Memory({ initial: 1 })
const instance = new WebAssembly.Instance(module, { env: { memory } })
const { spin, load } = instance.exports as { spin(rounds: bigint): number; load(): number }

const before =
  action === 'transfer' ? HostRegion.from(new ArrayBuffer(65_536)) : HostRegion.allocate(65_536)
const now = HostRegion.allocate(65_536)
now.view(Int32Array)[0] = 77
if (action !== 'grow') setWasmInstanceRawMemory(instance, before)

let running = false
let evaluated: boolean | undefined

function evaluate(): void {
  evaluated = running
  if (action === 'grow') {
    memory.grow(1)
  } else if (action === 'transfer') {
    // Node 20 has no such method. Where the buffer may not go, it stays.
    try {
      ;(before.buffer as { transfer?(): void }).transfer?.()
    } catch {}
    setWasmInstanceRawMemory(instance, now)
  } else {
    setWasmInstanceRawMemory(instance, now)
    if (action === 'close') before.close()
  }
  if (action === 'grow') setWasmInstanceRawMemory(instance, now)
}
Object.assign(globalThis, { evaluate })

const debugging = new Worker(
  `const { Session } = require('node:inspector')
   const { parentPort } = require('node:worker_threads')
   const session = new Session()
   session.connectToMainThread()
   parentPort.once('message', () => {
     setTimeout(() => {
       session.post('Runtime.evaluate', { expression: 'evaluate()' }, (error, { result }) => {
         parentPort.postMessage(error ?? result)
         session.disconnect()
       })
     }, 200)
   })`,
  { eval: true },
)
await once(debugging, 'online')
const sample = 20_000_000n
spin(sample)
const started = performance.now()
spin(sample)
const rounds = (sample * 1500n) / BigInt(Math.max(1, Math.round(performance.now() - started)))
debugging.postMessage('go')
running = true
const result = spin(rounds)
running = false
console.log(`loop: ${result}`)
if (evaluated === undefined) await once(debugging, 'message')
console.log(`evaluated while the loop ran: ${evaluated}`)
console.log(`now: ${load()}`)
process.exit(0)
