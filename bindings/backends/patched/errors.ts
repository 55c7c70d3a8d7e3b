import type * as api from '../../../types/web-assembly.d.ts'

interface ErrorClasses {
  readonly CompileError: api.ErrorClass<api.CompileError>
  readonly LinkError: api.ErrorClass<api.LinkError>
  readonly RuntimeError: api.ErrorClass<api.RuntimeError>
}

/** Node's own classes: `instanceof` has to hold for code that knows nothing of this package. */
export const { CompileError, LinkError, RuntimeError } = (
  globalThis as unknown as { WebAssembly: ErrorClasses }
).WebAssembly

/** By the names that errors of the engine have. */
export const errorClasses: Readonly<Record<string, new (message: string) => Error>> = {
  CompileError,
  LinkError,
  RuntimeError,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
}

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
