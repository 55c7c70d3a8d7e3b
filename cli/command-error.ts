/** An error for the user, with what to do next. Any other error is a bug and keeps its stack. */
export class CommandError extends Error {
  readonly advice: string

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.advice = advice
  }
}
