import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { typescript } from '../support/typescript.ts'
import { type Stage, stageBegunBy } from './stages.ts'

const repository = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

/** How a command ended and what it wrote. */
export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv
  /** User and group to run as. */
  readonly user?: { readonly uid: number; readonly gid: number }
  /** Ends the build as Ctrl-C does. */
  readonly signal?: AbortSignal
  readonly onLine?: (line: string) => void
}

/** A command of the build, under way. */
export class BuildRun {
  readonly pid: number
  readonly ended: Promise<Outcome>
  /** What it is doing now. */
  stage: Stage | undefined
  /** When each stage began, in milliseconds since the epoch. */
  readonly begun = new Map<Stage, number>()
  over = false
  #waiting: { stage: Stage; resolve: () => void }[] = []

  constructor(args: readonly string[], options: RunOptions = {}) {
    const { environment = {}, user, signal, onLine } = options
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      // What a machine's owner may have set must not decide what is found here.
      PYTHONDONTWRITEBYTECODE: undefined,
      V8_RAWMEM_ARCHIVE: undefined,
      no_proxy: '127.0.0.1',
      NO_PROXY: '127.0.0.1',
      ...environment,
    }
    const child = spawn(
      process.execPath,
      [...typescript, join(repository, 'build-scripts/cli.ts'), ...args],
      { cwd: repository, detached: true, stdio: ['ignore', 'pipe', 'pipe'], env, ...user },
    )
    this.pid = child.pid!
    const interrupt = () => child.kill('SIGINT')
    signal?.addEventListener('abort', interrupt)
    let stdout = ''
    let stderr = ''
    createInterface({ input: child.stdout }).on('line', (line) => {
      stdout += `${line}\n`
      onLine?.(line)
      const stage = stageBegunBy(line)
      if (!stage || (this.begun.has(stage) && stage !== 'binding')) return
      this.stage = stage
      this.begun.set(stage, Date.now())
      for (const waiting of this.#waiting) if (waiting.stage === stage) waiting.resolve()
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
      onLine?.(String(chunk).trimEnd())
    })
    this.ended = new Promise((resolve) => {
      // Not "close": processes that outlive a killed parent keep its pipes open.
      child.once('exit', (code) => {
        this.over = true
        signal?.removeEventListener('abort', interrupt)
        for (const waiting of this.#waiting) waiting.resolve()
        setImmediate(() => resolve({ code, stdout, stderr }))
      })
    })
  }

  /** Waits until a stage begins, or the command ends. */
  async reaches(stage: Stage): Promise<void> {
    if (this.begun.has(stage) || this.over) return
    await new Promise<void>((resolve) => {
      this.#waiting.push({ stage, resolve })
    })
  }

  /** kill -9 for the command alone; what it has started goes on. */
  killParent(): void {
    kill(this.pid)
  }

  /** kill -9 for the command and all that it has started, and waits until they are gone. */
  async killAll(): Promise<void> {
    const doomed = [this.pid, ...descendants(this.pid)]
    for (const pid of doomed) kill(pid)
    // What was started between looking and killing.
    for (const pid of doomed.flatMap(descendants)) kill(pid)
    while (doomed.some(isRunning)) await sleep(5)
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

/** A zombie has ended; its parent only has not asked how. */
function isRunning(pid: number): boolean {
  const state = statOf(pid)?.state
  return state !== undefined && state !== 'Z'
}

function descendants(ancestor: number): number[] {
  const children = new Map<number, number[]>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    const parent = Number.isInteger(pid) ? statOf(pid)?.parent : undefined
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), pid])
  }
  const found: number[] = []
  const collect = (pid: number) => {
    for (const child of children.get(pid) ?? []) {
      found.push(child)
      collect(child)
    }
  }
  collect(ancestor)
  return found
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may hold anything.
    const [state, parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state: state!, parent: Number(parent) }
  } catch {
    return undefined
  }
}
