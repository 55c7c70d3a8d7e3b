import { errorClasses } from '../../error-classes.ts'

/**
 * The error of Node for an error of the engine.
 *
 * @param frames The lines of the engine's stack, which go above those of JavaScript.
 */
export function makeError(name: string, message: string, frames: string): Error {
  const error = new (errorClasses[name] ?? Error)(message)
  Error.captureStackTrace?.(error, makeError)
  const { stack } = error
  // Not a string if the program sets Error.prepareStackTrace.
  if (frames !== '' && typeof stack === 'string') {
    const header = `${error.name}: ${message}`
    const rest = stack.startsWith(header) ? stack.slice(header.length) : `\n${stack}`
    Object.defineProperty(error, 'stack', {
      value: `${header}\n${frames}${rest}`,
      writable: true,
      configurable: true,
    })
  }
  return error
}
