// Run by termination.test.ts: goes on until it is terminated, and counts what happens.
import { parentPort, workerData } from 'node:worker_threads'
import { ChunkFeeder, HostRegion, WebAssembly } from 'v8-rawmem'
import { wat } from '../support/wat.ts'

export type Task = 'calls' | 'callbacks' | 'loop' | 'feeder' | 'deep loop'

export interface Counts {
  readonly calls: number
  readonly wrong: number
  /** What ran after it was terminated. */
  readonly after: number
}

const { task, shared } = workerData.data as { task: Task; shared: SharedArrayBuffer }
const counts = new Int32Array(shared)
const count = (index: number) => Atomics.add(counts, index, 1)

const exports: WebAssembly.Exports = new WebAssembly.Instance(
  new WebAssembly.Module(
    wat(`(module
      (import "env" "f" (func $f (result i32)))
      (memory (export "memory") 0)
      (func (export "call") (result i32) (i32.add (i32.const 41) (call $f)))
      (func (export "caught") (result i32)
        (try (result i32) (do (call $f)) (catch_all (i32.const 7))))
      (func (export "loop") (loop $again (br $again)))
      (func $deep (export "deep") (param i32) (result i32)
        (if (i32.eqz (local.get 0)) (then (loop $again (br $again))))
        (i32.add (i32.const 1) (call $deep (i32.sub (local.get 0) (i32.const 1))))))`),
  ),
  {
    env: {
      f: () => {
        for (let i = 0; i < 20_000; ++i);
        if (task === 'callbacks' && counts[0] === 3) {
          for (;;) {
            try {
              exports.loop()
              count(2)
            } catch {
              count(2)
            } finally {
              count(2)
            }
          }
        }
        return 1
      },
    },
  },
).exports

const region = HostRegion.allocate(1 << 20)
const feeder = new ChunkFeeder(region, {
  windowSize: 1 << 10,
  onProgress: () => {
    count(0)
    for (let i = 0; i < 20_000; ++i);
  },
})
feeder.bind(new WebAssembly.Instance(new WebAssembly.Module(wat('(module (memory 0))'))))

const tasks: Record<Task, () => void> = {
  calls: () => {
    if (exports.call() !== 42 || exports.caught() !== 1) count(1)
    count(0)
  },
  callbacks: () => tasks.calls(),
  loop: () => {
    count(0)
    exports.loop()
    count(2)
  },
  feeder: () => {
    if (feeder.next() === 0) feeder.rewind()
  },
  'deep loop': () => {
    exports.deep(150_000)
    count(2)
  },
}

// Not while modules are evaluated: Node 22 does not survive the end of a thread there.
setImmediate(() => {
  parentPort?.postMessage('started')
  for (;;) {
    try {
      tasks[task]()
    } catch {
      count(2)
    }
  }
})
