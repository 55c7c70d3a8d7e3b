import { AdvisedError, Interrupted } from './advised-error.ts'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Runs a command's work. If it fails, prints the error and sets the exit code: what an
 * {@link AdvisedError} says, 128 plus the signal's number after a signal, 1 otherwise.
 *
 * @param work Its `signal` aborts at the first SIGINT, SIGTERM or SIGHUP. A second one ends the
 *   process at once.
 * @param describe What to print of an error.
 */
export async function runCommand(
  work: (signal: AbortSignal) => Promise<void>,
  describe: (error: unknown) => string,
): Promise<void> {
  const interruption = new AbortController()
  const stopListening = () => {
    for (const name of signals) process.off(name, onSignal)
  }
  const onSignal = (name: NodeJS.Signals) => {
    stopListening()
    interruption.abort(new Interrupted(name as (typeof signals)[number]))
  }
  for (const name of signals) process.on(name, onSignal)
  try {
    await work(interruption.signal)
  } catch (thrown) {
    // What fails after an interruption fails because of it.
    const error: unknown = interruption.signal.aborted ? interruption.signal.reason : thrown
    process.stderr.write(`${describe(error)}\n`)
    process.exitCode = error instanceof AdvisedError ? error.exitCode : 1
  } finally {
    stopListening()
  }
}

/** The stacks of an error and of what caused it, for --verbose. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { stack, cause } = error
  return cause === undefined ? `${stack}` : `${stack}\ncaused by: ${String(cause)}`
}
