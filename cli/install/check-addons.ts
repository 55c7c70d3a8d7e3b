import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Diagnosis } from '../../bindings/addon/load-error.ts'
import { entryPoint, isCompiled } from '../../bindings/addon/platform.ts'

/** TypeScript needs this process's options. */
const main = fileURLToPath(entryPoint('cli/install/check-main'))

/** Why the addons in a folder cannot be loaded; undefined if they can. Tried in a child process. */
export async function checkAddons(folder: string): Promise<Diagnosis | undefined> {
  const child = spawn(process.execPath, [...(isCompiled ? [] : process.execArgv), main, folder], {
    // A separate pipe, because modules that NODE_OPTIONS loads may print.
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  const [answer, stderr, [code, signal]] = await Promise.all([
    text(child.stdio[3] as Readable),
    text(child.stderr!),
    once(child, 'close'),
  ])
  if (code === 0 && answer !== '') return JSON.parse(answer).diagnosis
  return {
    problem: 'cannot-load',
    reason: `Node ends with ${signal ?? `exit code ${code}`} while it loads the addons in ${folder}: ${stderr.trim()}`,
    advice: [],
  }
}
