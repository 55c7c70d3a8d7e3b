import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'

/** Clock ticks of the processors. */
interface Ticks {
  readonly all: number
  readonly busy: number
  /** Of this process and the children that have ended. */
  readonly own: number
}

function readTicks(): Ticks {
  const numbers = (line: string) => line.trim().split(/ +/).map(Number)
  const [first = ''] = readFileSync('/proc/stat', 'utf8').split('\n')
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, irq = 0, softirq = 0, steal = 0] =
    numbers(first.replace('cpu', ''))
  const own = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '')
  const busy = user + nice + system + irq + softirq + steal
  return {
    all: busy + idle + wait,
    busy,
    // utime, stime, cutime and cstime: see proc(5).
    own: numbers(own)
      .slice(11, 15)
      .reduce((a, b) => a + b),
  }
}

/** What the machine did besides the benchmark. */
export interface MachineLoad {
  /** The system's average of the last minute, at the start. */
  readonly averageBefore: number
  /** Share of the processors that others took while the benchmark ran, 0 to 1. */
  readonly others: number
}

/** Above these, figures tell more of the machine's other work than of what is measured. */
const mostAveragePerCore = 0.5
const mostOthers = 0.1

/** Begins to watch; the result says what was seen so far. */
export function watchLoad(): () => MachineLoad {
  const averageBefore = loadavg()[0]!
  const start = readTicks()
  return () => {
    const now = readTicks()
    const all = Math.max(now.all - start.all, 1)
    const others = Math.max(now.busy - start.busy - (now.own - start.own), 0) / all
    return { averageBefore, others: Number(others.toFixed(3)) }
  }
}

/** Why figures taken under this load are no results; undefined if they are. */
export function tooMuchLoad({ averageBefore, others }: MachineLoad): string | undefined {
  if (averageBefore > mostAveragePerCore * cpus().length) {
    return `The machine was busy before the benchmark: a load of ${averageBefore.toFixed(1)} on ${cpus().length} processors`
  }
  if (others > mostOthers) {
    return `Other processes took ${Math.round(100 * others)} % of the processors while the benchmark ran`
  }
  return undefined
}
