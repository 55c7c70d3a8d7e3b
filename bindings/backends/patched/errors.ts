import { errorClasses } from '../../error-classes.ts'

/**
 * An error of Node's for one of the engine.
 *
 * @param frames The lines of the engine's stack. They go above those of JavaScript, from which the engine was called.
 */
export function makeError(name: string, message: string, frames: string): Error {
  const error = new (errorClasses[name] ?? Error)(message)
  Error.captureStackTrace?.(error, makeError)
  const { stack } = error
  // Something else if the program has its own Error.prepareStackTrace.
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
