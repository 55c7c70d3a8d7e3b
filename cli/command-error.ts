/** What went wrong in words for whoever typed the command, and what to do next. Anything else is a bug and keeps its stack. */
export class CommandError extends Error {
  readonly advice: string

  constructor(message: string, advice: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CommandError'
    this.advice = advice
  }
}
