import { SingleBar } from 'cli-progress'
import { formatBytes, formatDuration, isTerminal, say } from './terminal.ts'

/** Tells how far a long piece of work has come: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  /**
   * @param done in the unit given at the start
   * @param total when it has changed: ninja finds more steps as it goes
   * @param share how much of the whole work is done, from 0 to 1, when units take unequal times
   */
  update(done: number, total?: number, share?: number): void
  /** Ends the bar. Prints how long it took. */
  end(): void
  /** Ends the bar because the work failed or was interrupted. */
  abandon(): void
}

const millisecondsBetweenLines = 15_000

/**
 * @param title what is being done, for instance `download`
 * @param total how much there is, in `unit`s
 * @param from where the work begins when it goes on from an earlier run; left out of the estimate
 */
export function startProgress(
  title: string,
  total: number,
  unit: 'bytes' | 'steps',
  from = 0,
): Progress {
  const format = (value: number) => (unit === 'bytes' ? formatBytes(value) : String(value))
  const started = Date.now()
  let lastLine = started
  let done = from
  let known = total
  let share: number | undefined

  const secondsLeft = () => {
    const elapsed = (Date.now() - started) / 1000
    const part = share ?? (done - from) / (known - from)
    return part > 0 && elapsed > 1 ? (elapsed * (1 - part)) / part : undefined
  }
  const left = () => {
    const seconds = secondsLeft()
    return seconds === undefined ? '' : `, ${formatDuration(seconds)} left`
  }

  const bar = isTerminal
    ? new SingleBar({
        format: `${title} [{bar}] {percentage}%, {state}`,
        barsize: 30,
        hideCursor: true,
        clearOnComplete: true,
        stopOnComplete: false,
      })
    : undefined
  const state = () => `${format(done)} of ${format(known)}${left()}`
  bar?.start(known, done, { state: state() })

  return {
    update(newDone, newTotal = known, newShare = share) {
      done = newDone
      share = newShare
      if (newTotal !== known) {
        known = newTotal
        bar?.setTotal(known)
      }
      if (bar) bar.update(done, { state: state() })
      else if (Date.now() - lastLine >= millisecondsBetweenLines) {
        lastLine = Date.now()
        say(`${title}: ${state()}`)
      }
    },
    end() {
      bar?.stop()
      say(
        `${title}: ${format(done)}${unit === 'steps' ? ' steps' : ''} in ${formatDuration((Date.now() - started) / 1000)}`,
      )
    },
    abandon() {
      bar?.stop()
    },
  }
}
