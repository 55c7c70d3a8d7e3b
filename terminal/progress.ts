import { SingleBar } from 'cli-progress'

/** How far a piece of work has come. */
export interface Progress {
  /** @param total If it is another than before. */
  update(value: number, total?: number): void
  /** Ends the bar, with the cursor at the beginning of a line. */
  stop(): void
}

export interface ProgressOptions {
  /** The value to begin with; 0 by default. */
  readonly from?: number
  /** What else to say of a value, behind it and the total. */
  readonly more?: (value: number, total: number) => string
  /** Takes the bar away when it stops. */
  readonly clear?: boolean
  /** Prints a line where there is no bar; to stderr by default. */
  readonly print?: (line: string) => void
}

const millisecondsBetweenLines = 15_000

/**
 * Shows progress: a bar where stderr is a terminal, elsewhere a line for each quarter and every
 * 15 seconds.
 *
 * @param label What is under way; may be empty.
 * @param format Says a value, or the total, in its unit.
 */
export function startProgress(
  label: string,
  total: number,
  format: (value: number) => string,
  { from = 0, more = () => '', clear = false, print = printToStderr }: ProgressOptions = {},
): Progress {
  const describe = (value: number, total: number) =>
    `${format(value)} of ${format(total)}${more(value, total)}`
  if (!process.stderr.isTTY || process.env.TERM === 'dumb') {
    return printLines(total, from, (value, total) =>
      print(`${label && `${label}: `}${describe(value, total)}`),
    )
  }
  const bar = new SingleBar({
    format: `${label && `${label.padEnd(10)} `}{bar} {percentage} %  {text}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    stream: process.stderr,
    clearOnComplete: clear,
    // The terminal stays as it is, and so as it was when a signal ends the program.
    linewrap: true,
    hideCursor: null,
  })
  let known = total
  bar.start(total, from, { text: describe(from, total) })
  return {
    update(value, total = known) {
      if (total !== known) bar.setTotal(total)
      known = total
      bar.update(value, { text: describe(value, total) })
    },
    stop: () => bar.stop(),
  }
}

function printToStderr(line: string): void {
  process.stderr.write(`${line}\n`)
}

function printLines(
  total: number,
  from: number,
  print: (value: number, total: number) => void,
): Progress {
  const quarterOf = (value: number, total: number) => Math.floor((value / total) * 4)
  let known = total
  let quarter = quarterOf(from, total)
  let printed = performance.now()
  return {
    update(value, total = known) {
      known = total
      const reached = quarterOf(value, total)
      const now = performance.now()
      if (!(reached > quarter) && now - printed < millisecondsBetweenLines) return
      quarter = Math.max(quarter, reached)
      printed = now
      print(value, total)
    },
    stop() {},
  }
}
