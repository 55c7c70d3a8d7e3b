/** Says what went wrong and what to do next. Other errors are bugs, and keep their stack. */
export class AdvisedError extends Error {
  override name = 'AdvisedError'
  /** What to do next, in one line or several. */
  readonly advice: string
  /** The exit code of the program that ends with this error. */
  readonly exitCode: number

  constructor(
    message: string,
    advice: string,
    { exitCode = 1, ...options }: ErrorOptions & { exitCode?: number } = {},
  ) {
    super(message, options)
    this.advice = advice
    this.exitCode = exitCode
  }
}

/** A signal stopped the program. */
export class Interrupted extends AdvisedError {
  override name = 'Interrupted'

  constructor(signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP') {
    const exitCode = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 }[signal]
    super('Interrupted.', '', { exitCode })
  }
}

/** Message and advice in one line. */
export function inOneLine({ message, advice }: AdvisedError): string {
  return `${message.replace(/\.?$/, '.')} ${advice}`.trimEnd()
}
