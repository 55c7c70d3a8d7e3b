import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Diagnosis } from '../load-error.ts'

/** As this file was loaded: from dist/, or as TypeScript in a checkout, which needs what this process was started with. */
const isCompiled = import.meta.url.endsWith('.js')
const main = fileURLToPath(
  new URL(isCompiled ? './check-main.js' : './check-main.ts', import.meta.url),
)

/** Why the addons in a folder cannot be loaded here; undefined if they can. In a process of its own, which they may end. */
export async function checkAddons(folder: string): Promise<Diagnosis | undefined> {
  const { ended, stdout, stderr } = await runNode([
    ...(isCompiled ? [] : process.execArgv),
    main,
    folder,
  ])
  // What NODE_OPTIONS loads may print something before.
  if (ended === 'exit code 0') return JSON.parse(stdout.trimEnd().split('\n').at(-1)!).diagnosis
  return {
    problem: 'cannot-load',
    reason: `Node ends with ${ended} while it loads the addons in ${folder}: ${stderr.trim()}`,
    advice: [],
  }
}

function runNode(
  args: readonly string[],
): Promise<{ ended: string; stdout: string; stderr: string }> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk
    })
    child.once('error', fail)
    child.once('close', (code, signal) =>
      done({ ended: signal ?? `exit code ${code}`, stdout, stderr }),
    )
  })
}
