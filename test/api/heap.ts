// Run by heap.test.ts: takes memory until there is none, twice; then does something ordinary. In a worker, if there is
// a limit for one.
import { once } from 'node:events'
import { isMainThread } from 'node:worker_threads'
import { WebAssembly } from 'v8-rawmem'
import { startWorker } from '../support/start-worker.ts'

const limit = process.argv[4]
if (limit !== undefined && isMainThread) {
  const worker = startWorker(new URL(import.meta.url), undefined, {
    argv: process.argv.slice(2),
    resourceLimits: { maxOldGenerationSizeMb: Number(limit) },
  })
  await once(worker, 'exit')
  process.exit()
}
process.on('exit', () => {
  console.error(`at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`)
})

const module = new WebAssembly.Module(Buffer.from(process.argv[3] as string, 'base64'))
const { exports } = new WebAssembly.Instance(module)

const kept: unknown[] = []
const what = process.argv[2] as string
const actions: Record<string, () => void> = {
  tables: () => {
    for (;;) kept.push(new WebAssembly.Table({ element: 'externref', initial: 2_000_000 }))
  },
}
const action = actions[what] ?? (() => new WebAssembly.Instance(module).exports[what]())

for (let i = 0; i < 2; ++i) {
  try {
    action()
    console.log('no end')
  } catch (error) {
    console.log(String(error).split('\n')[0])
  }
  kept.length = 0
}
console.log(exports.answer())
