// Run by terminate.test.ts: terminates workers in whatever they are at. What must not be seen is a crash or a hang.
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { startWorker } from '../support/start-worker.ts'
import { wat } from '../support/wat.ts'

const [, , what, count] = process.argv as [string, string, string, string]
const module = wat(`(module
  (import "env" "f" (func $f (result i32)))
  (memory (export "memory") 0)
  (func (export "loop") (loop $again (br_if $again (call $f)))))`)

async function terminate(round: number): Promise<void> {
  const worker = startWorker(new URL('./terminate-worker.ts', import.meta.url), { what, module })
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
