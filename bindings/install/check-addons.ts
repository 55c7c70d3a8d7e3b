import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import type { Diagnosis } from '../load-error.ts'

/** As this file was loaded: from dist/, or as TypeScript in a checkout, which needs what this process was started with. */
const isCompiled = import.meta.url.endsWith('.js')
const main = fileURLToPath(
  new URL(isCompiled ? './check-main.js' : './check-main.ts', import.meta.url),
)

/** Why the addons in a folder cannot be loaded here; undefined if they can. In a process of its own, which they may end. */
export async function checkAddons(folder: string): Promise<Diagnosis | undefined> {
  const child = spawn(process.execPath, [...(isCompiled ? [] : process.execArgv), main, folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [stdout, stderr, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  // What NODE_OPTIONS loads may print something before.
  if (code === 0) return JSON.parse(stdout.trimEnd().split('\n').at(-1)!).diagnosis
  return {
    problem: 'cannot-load',
    reason: `Node ends with ${signal ?? `exit code ${code}`} while it loads the addons in ${folder}: ${stderr.trim()}`,
    advice: [],
  }
}
