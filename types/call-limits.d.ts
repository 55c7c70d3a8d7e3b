/** Limits of a call. Give at least one. */
export interface CallLimits {
  /**
   * Milliseconds that the call may take, an integer from 1 to 2^31 - 1. WebAssembly code that runs
   * when they are over ends within a few milliseconds, and the call throws a `DOMException` named
   * `TimeoutError`. The time that imported functions take counts too, but JavaScript is not ended:
   * the program ends when they return.
   */
  timeout?: number
  /**
   * When an imported function, or other JavaScript that the call runs, aborts it, the program ends
   * when that JavaScript returns, and the call throws `signal.reason`. Timers and messages cannot
   * abort it meanwhile: they wait until the call is over. Use {@link timeout} or {@link stop} then.
   */
  signal?: AbortSignal
  /**
   * The first element of an `Int32Array` over a `SharedArrayBuffer`, for other threads: when one
   * has stored something else than 0 (`Atomics.store(stop, 0, 1)`), the program ends within some
   * 10 ms, and the call throws a `DOMException` named `AbortError`. Store 0 before the next call.
   */
  stop?: Int32Array
  /**
   * Bytes of the thread's stack that the call may use, JavaScript between calls of WebAssembly
   * included: an integer from 1 on. Code that needs more throws
   * `RangeError: Maximum call stack size exceeded`. Default: what the thread has, at most 16 MiB.
   */
  stackSize?: number
}

/**
 * Calls `callback(...args)`, and limits the WebAssembly code that runs until it returns.
 *
 * ```ts
 * const sum = runWithLimits({ timeout: 50 }, instance.exports.sum, 0, 1000)
 * ```
 *
 * No code of the program, like `catch_all`, runs once a limit is passed. The instance stays usable,
 * as after a trap: its memory, tables and globals are as the code left them. JavaScript within the
 * call gets the error like any other. If it catches the error, each further call of WebAssembly
 * throws it again until the limited call is over.
 *
 * Calls can be nested. An inner call cannot lift the limits of outer ones. When an inner one has
 * passed its own limits, the outer program goes on if its imported function catches the error.
 *
 * Compiling is not ended: give it bytes of limited length. Instances of Node's own `WebAssembly`
 * have no limits.
 *
 * @param limits The limits, read once.
 * @param callback An exported function, or a function that calls some. Must be synchronous.
 * @returns what `callback` returns.
 * @throws {DOMException} named `TimeoutError` or `AbortError`, or `signal.reason`, if a limit was
 *   passed.
 * @throws {RangeError} if the call needs more stack than `stackSize`, or a limit is out of range.
 * @throws {TypeError} if a limit has the wrong type or an unknown name, no limit is given, or
 *   `callback` returns a promise: what runs later has no limits.
 * @throws {Error} on the backends `node-raw` and `node-rewire`, which have no such limits.
 */
export type RunWithLimits = <TArguments extends unknown[], TResult>(
  limits: CallLimits,
  callback: (...args: TArguments) => TResult,
  ...args: TArguments
) => TResult
