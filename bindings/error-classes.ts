import type * as api from '../types/web-assembly.d.ts'

interface ErrorClasses {
  readonly CompileError: api.ErrorClass<api.CompileError>
  readonly LinkError: api.ErrorClass<api.LinkError>
  readonly RuntimeError: api.ErrorClass<api.RuntimeError>
}

/** Node's own classes, so that `instanceof` works in code that does not know this package. */
export const { CompileError, LinkError, RuntimeError } = (
  globalThis as unknown as { WebAssembly: ErrorClasses }
).WebAssembly

/** By the names of the engine's errors. */
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
