/** An error a person can act on: what went wrong, and what to do next. */
export class BuildError extends Error {
  /** What to do next, one or several lines; printed under the message. */
  readonly advice: string
  /** The exit code of the command that fails with this error. */
  readonly exitCode: number

  constructor(
    message: string,
    advice: string,
    options: { cause?: unknown; exitCode?: number } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'BuildError'
    this.advice = advice
    this.exitCode = options.exitCode ?? 1
  }
}

/** The user (or the system) stopped the command; everything finished so far stays. */
export class Interrupted extends BuildError {
  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    const exitCode = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]
    super('Interrupted.', 'Run the same command again to go on from here.', { exitCode })
    this.name = 'Interrupted'
  }
}
