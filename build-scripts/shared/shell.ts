import { readdirSync, readFileSync } from 'node:fs'
import { $ } from 'zx'

// The output of tools is read, or shown if they fail. It never goes straight to the terminal.
$.quiet = true

export { $ }

const pipes = ['pipe', 'pipe', 'pipe'] as const
let lent: readonly number[] = []

/**
 * Has every tool inherit a lock. If this process is killed and leaves a tool running (a tar, a git, a
 * make), the next build waits until that has ended.
 */
export function lendToTools(lock: number): void {
  lent = [...lent, lock]
  $.stdio = [...pipes, ...lent]
}

/** The streams of a tool that is given nothing to read, and the locks. */
export function withoutInput(): ('ignore' | 'pipe' | number)[] {
  return ['ignore', 'pipe', 'pipe', ...lent]
}

/** Ends all tools, with what they have started. */
export function endTools(): void {
  for (const pid of descendantsOf(process.pid)) {
    try {
      process.kill(pid)
    } catch {
      // It has ended by itself.
    }
  }
}

function descendantsOf(pid: number): number[] {
  try {
    const lists = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8'),
    )
    const children = lists.join('').split(' ').filter(Boolean).map(Number)
    return [...children, ...children.flatMap(descendantsOf)]
  } catch {
    return []
  }
}
