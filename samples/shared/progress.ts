import { SingleBar } from 'cli-progress'

/** Shows how far a step has come, on stderr. */
export interface Progress {
  update(value: number): void
  stop(): void
}

/** A bar where stderr is a terminal; a line for every quarter where it is a file or a pipe. */
export function startProgress(
  label: string,
  total: number,
  format: (value: number) => string,
): Progress {
  return process.stderr.isTTY ? bar(label, total, format) : lines(label, total, format)
}

function bar(label: string, total: number, format: (value: number) => string): Progress {
  const single = new SingleBar({
    format: `${label.padEnd(10)} {bar} {percentage} %  {done} of ${format(total)}`,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    barsize: 32,
    stream: process.stderr,
    // Leaves the terminal as it is, and so as it was when Ctrl-C ends the program.
    linewrap: true,
  })
  single.start(total, 0, { done: format(0) })
  return {
    update: (value) => single.update(value, { done: format(value) }),
    stop: () => single.stop(),
  }
}

function lines(label: string, total: number, format: (value: number) => string): Progress {
  let quarter = 0
  return {
    update(value) {
      const reached = Math.floor((value / total) * 4)
      if (reached === quarter) return
      quarter = reached
      process.stderr.write(`${label}: ${format(value)} of ${format(total)}\n`)
    },
    stop() {},
  }
}
