import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Message, Outcome, Task } from './query-process.ts'

/** Runs queries in a process of their own; rejects if one fails. */
export function startQueryProcess(task: Task, onDone: (queries: number) => void): Promise<Outcome> {
  const path = fileURLToPath(new URL('./query-process.ts', import.meta.url))
  return new Promise((resolve, reject) => {
    const child = fork(path, { execArgv: process.execArgv, serialization: 'advanced' })
    child.on('message', (message: Message) => {
      if ('done' in message) onDone(message.done)
      else if ('outcome' in message) resolve(message.outcome)
      else reject(Object.assign(new Error(message.error), { code: message.code }))
    })
    child.once('error', reject)
    child.once('exit', (code, signal) =>
      reject(new Error(`The process that ran the queries ended by ${signal ?? `code ${code}`}`)),
    )
    child.send(task)
  })
}
