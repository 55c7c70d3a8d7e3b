import { chalk } from 'zx'
import { startProgress as startBar } from '../../terminal/progress.ts'

// chalk ignores NO_COLOR, and FORCE_COLOR must not colour the output of a pipe.
if (process.stdout.isTTY !== true || process.env.NO_COLOR) chalk.level = 0

/** Prints one line about what is happening. */
export function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

/** Prints the name of a stage that begins or that has nothing to do. */
export function sayStage(stage: string, line: string): void {
  process.stdout.write(`${chalk.bold(stage)}: ${line}\n`)
}

/** Prints a line on standard error that does not end the command. */
export function warn(line: string): void {
  process.stderr.write(`${chalk.yellow('warning')}: ${line}\n`)
}

/** Why the command ends, and below it what to do about it. */
export function formatError(message: string, advice: string): string {
  return `${chalk.red('error')}: ${message}\n${advice.replace(/^/gm, '  ')}`
}

/** A green or red mark in front of a line of a list. */
export function mark(state: 'ok' | 'missing' | 'wrong' | 'note'): string {
  if (state === 'ok') return chalk.green('ok     ')
  if (state === 'missing' || state === 'wrong') return chalk.red(state.padEnd(7))
  return chalk.yellow('note   ')
}

/** The first items of a list, and how many more there are. */
export function shorten(items: readonly string[], most: number): string {
  const shown = items.slice(0, most).join(', ')
  return items.length > most ? `${shown} and ${items.length - most} more` : shown
}

/** Bytes for people: decimal units, as disk makers and apt use them. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`
}

/** Seconds for people: `42 s`, `3 min 05 s`, `1 h 02 min`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${String(whole % 60).padStart(2, '0')} s`
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`
}

/** Tells how far a long piece of work has come. */
interface StageProgress {
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

/**
 * Shows progress with an estimate of the time that is left.
 *
 * @param title what is being done, for instance `download`
 * @param total how much there is, in `unit`s
 * @param from where the work begins when it goes on from an earlier run; left out of the estimate
 */
export function startProgress(
  title: string,
  total: number,
  unit: 'bytes' | 'steps',
  from = 0,
): StageProgress {
  const format = (value: number) => (unit === 'bytes' ? formatBytes(value) : String(value))
  const started = Date.now()
  const elapsed = () => (Date.now() - started) / 1000
  let latest = from
  let share: number | undefined
  const progress = startBar(title, total, format, {
    from,
    clear: true,
    print: say,
    more(done, known) {
      const part = share ?? (done - from) / (known - from)
      if (!(part > 0 && elapsed() > 1)) return ''
      return `, ${formatDuration((elapsed() * (1 - part)) / part)} left`
    },
  })
  return {
    update(done, total, newShare = share) {
      latest = done
      share = newShare
      progress.update(done, total)
    },
    end() {
      progress.stop()
      say(
        `${title}: ${format(latest)}${unit === 'steps' ? ' steps' : ''} in ${formatDuration(elapsed())}`,
      )
    },
    abandon: () => progress.stop(),
  }
}
