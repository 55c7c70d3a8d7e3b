import { BuildError, Interrupted } from './build-error.ts'
import { sayError } from './terminal.ts'

/**
 * Runs a command's work and sets the exit code: 0, what a BuildError says, 1 for anything unforeseen, 128 plus the
 * signal's number when interrupted.
 */
export async function runCommand(
  verbose: boolean,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  // Where no shell is above, as in cron and containers, bash takes a socket on its standard input for a login from afar, and reads the
  // user's .bashrc, which may print or wait for whatever it likes.
  if (!(Number(process.env.SHLVL) >= 1)) process.env.SHLVL = '1'
  // Compiled Python files stay out of the sources, and those that are there unread: nothing checks what is in them.
  Object.assign(process.env, { PYTHONDONTWRITEBYTECODE: '1', PYTHONPYCACHEPREFIX: '/dev/null' })
  const interruption = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A first signal lets the stage put things in order; a second one ends at once.
    process.once(name, () => interruption.abort(new Interrupted(name)))
  }
  try {
    await work(interruption.signal)
  } catch (error) {
    // Whatever fails after an interruption fails because of it.
    report(interruption.signal.aborted ? interruption.signal.reason : error, verbose)
  }
}

function report(error: unknown, verbose: boolean): void {
  if (error instanceof BuildError) {
    sayError(error.message, error.advice)
    process.exitCode = error.exitCode
  } else {
    sayError(
      error instanceof Error ? error.message : String(error),
      'This is not an error the scripts foresee. Run again with --verbose to see where it arose.',
    )
    process.exitCode = 1
  }
  if (verbose && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`)
    if (error.cause) process.stderr.write(`caused by: ${String(error.cause)}\n`)
  }
}
