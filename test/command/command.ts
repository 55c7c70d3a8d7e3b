import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { typescript } from '../support/typescript.ts'

/** The command as it is run from a checkout, without compiling it. */
export const sourceCommand: readonly string[] = [
  process.execPath,
  ...typescript,
  fileURLToPath(new URL('../../cli/main.ts', import.meta.url)),
]

export interface Ended {
  readonly exitCode: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Settles when stdout or stderr has had that in it. */
  until(pattern: RegExp): Promise<void>
}

export function start(
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
  cwd = process.cwd(),
): Running {
  const child = spawn(words[0]!, words.slice(1), {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 120_000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  const waiting = new Set<() => void>()
  const check = () => {
    for (const each of waiting) each()
  }
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    stdout += chunk
    check()
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    stderr += chunk
    check()
  })
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr }))
  })
  const until = (pattern: RegExp) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (!pattern.test(stdout) && !pattern.test(stderr)) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
      void ended.then(() => reject(new Error(`ended without ${pattern}: ${stdout}${stderr}`)))
    })
  return { child, ended, until }
}

/** Under a terminal of its own, so that stdout and stderr are one: `script` of util-linux. */
export function startOnTerminal(words: readonly string[]): Running {
  const line = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ')
  return start(['script', '-qefc', line, '/dev/null'], { TERM: 'xterm' })
}
