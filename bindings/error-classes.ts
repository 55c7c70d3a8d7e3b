import type * as api from '../types/web-assembly.d.ts'

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
