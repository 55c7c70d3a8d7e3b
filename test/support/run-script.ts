import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const typescript = new URL('../../build-scripts/typescript.js', import.meta.url)

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
  /** Milliseconds until the process is killed. Default 120000. */
  readonly timeout?: number
}

/** Runs a TypeScript module in a process of its own, under the Node that runs the tests. */
export function runScript(script: URL, options: ScriptOptions = {}): Promise<ScriptResult> {
  const { args = [], env = {}, nodeArgs = [], timeout = 120_000 } = options
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [
        `--import=${typescript}`,
        '--conditions=v8-rawmem-source',
        ...nodeArgs,
        fileURLToPath(script),
        ...args,
      ],
      {
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout,
        killSignal: 'SIGKILL',
      },
    )
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk) => {
      stderr += chunk
    })
    child.once('error', reject)
    child.once('close', (exitCode, signal) => resolve({ exitCode, signal, stdout, stderr }))
  })
}
