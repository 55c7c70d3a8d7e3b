import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { typescript } from './typescript.ts'

export interface ScriptResult {
  readonly exitCode: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface ScriptOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Arguments for Node itself. */
  readonly nodeArgs?: readonly string[]
  /** A command, and its first arguments, that runs the process. */
  readonly within?: readonly string[]
  /** Shows what the process says of its progress, on standard error. */
  readonly showStderr?: boolean
  /** Milliseconds until the process is killed. Default 120000. */
  readonly timeout?: number
  /** Kills the process when it aborts; `runScript` then rejects. */
  readonly signal?: AbortSignal | undefined
}

/** Runs a module, of TypeScript or compiled, in a process of its own, under the Node that runs the tests. */
export async function runScript(script: URL, options: ScriptOptions = {}): Promise<ScriptResult> {
  const { args = [], env = {}, nodeArgs = [], within = [], timeout = 120_000, signal } = options
  const path = fileURLToPath(script)
  const loader = path.endsWith('.ts') ? typescript : []
  const node = [process.execPath, ...loader, ...nodeArgs, path, ...args]
  const [command, ...words] = [...within, ...node] as [string, ...string[]]
  const child = spawn(command, words, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout,
    signal,
    killSignal: 'SIGKILL',
  })
  if (options.showStderr) child.stderr.pipe(process.stderr, { end: false })
  const [stdout, stderr, [exitCode, endedBy]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { exitCode, signal: endedBy, stdout, stderr }
}
