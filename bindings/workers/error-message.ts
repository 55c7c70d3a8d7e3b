import { inspect } from 'node:util'
import { errorClasses } from '../error-classes.ts'

/** An error between threads. Structured cloning would turn WebAssembly's into plain `Error`s. */
export interface ErrorMessage {
  readonly name: string
  readonly message: string
  readonly stack: string | undefined
  /** Own properties such as `code` of system errors. */
  readonly properties: Readonly<Record<string, string | number>>
}

/** The known class of an error, independent of its properties. */
function className(error: Error): string {
  for (const [name, type] of Object.entries(errorClasses)) {
    if (error instanceof type) return name
  }
  return 'Error'
}

function isPlain(entry: [string, unknown]): entry is [string, string | number] {
  return typeof entry[1] === 'string' || typeof entry[1] === 'number'
}

/** Accepts any thrown value. */
export function encodeError(thrown: unknown): ErrorMessage {
  if (thrown instanceof Error) {
    return {
      name: className(thrown),
      message: thrown.message,
      stack: thrown.stack,
      properties: Object.fromEntries(Object.entries(thrown).filter(isPlain)),
    }
  }
  const { message, stack } = new Error(
    `The program threw ${inspect(thrown, { depth: 0, customInspect: false })}, and nothing caught it`,
  )
  return { name: 'Error', message, stack, properties: {} }
}

export function decodeError({ name, message, stack, properties }: ErrorMessage): Error {
  const error = new (errorClasses[name] ?? Error)(message)
  if (stack !== undefined) error.stack = stack
  return Object.assign(error, properties)
}
