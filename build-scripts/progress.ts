import { SingleBar } from 'cli-progress'
import { formatBytes, formatDuration, isTerminal, say } from './terminal.ts'

/** Tells how far a long piece of work has come: a bar on a terminal, a line now and then elsewhere. */
export interface Progress {
  /** `done` in the unit given at the start; `total` when it has changed (ninja finds more steps as it goes). */
  update(done: number, total?: number): void
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

  const secondsLeft = () => {
    const elapsed = (Date.now() - started) / 1000
    return done > from && elapsed > 1 ? ((known - done) * elapsed) / (done - from) : undefined
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
    update(newDone, newTotal = known) {
      done = newDone
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
      say(`${title}: ${format(done)} in ${formatDuration((Date.now() - started) / 1000)}`)
    },
    abandon() {
      bar?.stop()
    },
  }
}
