// Run by terminate.test.ts: terminates workers in whatever they are at. What must not be seen is a crash or a hang.
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { bindingPath } from '../../bindings/addon/load.ts'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'

const [, , kind, what, count] = process.argv as [string, string, string, string, string]
const module = wat(`(module
  (import "env" "f" (func $f (result i32)))
  (memory (export "memory") 0)
  (func (export "loop") (loop $again (br_if $again (call $f)))))`)

const start = (): Worker =>
  kind === 'addon'
    ? new Worker(new URL('./terminate-native-worker.js', import.meta.url), {
        // Nor does it need what loads TypeScript.
        execArgv: [],
        workerData: { what, addon: bindingPath },
      })
    : startWorker(new URL('./terminate-worker.ts', import.meta.url), { what, module })

async function terminate(round: number): Promise<void> {
  const worker = start()
  const failed = once(worker, 'error').then(([error]) => {
    throw error
  })
  await Promise.race([once(worker, 'message'), failed])
  await Promise.race([wait(1 + ((round * 7) % 40)), failed])
  await worker.terminate()
}

// Two at a time, so that the threads share what belongs to the process.
for (let round = 0; round < Number(count); round += 2) {
  await Promise.all([terminate(round), terminate(round + 1)])
}
console.log('ended')
