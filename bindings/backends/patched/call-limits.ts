import { types } from 'node:util'
import type * as api from '../../../types/call-limits.d.ts'
import { CallEnd } from '../../addon/numbers.ts'
import { checkInteger, checkLimitNames, show } from '../../arguments.ts'
import { engine } from './engine.ts'

/** What Node's own timers take. */
const longestTimeout = 2 ** 31 - 1

const names = ['timeout', 'signal', 'stop', 'stackSize'] as const

/** One call under limits. */
class LimitedCall {
  readonly id: number
  readonly #limits: api.CallLimits
  #error: unknown

  constructor(id: number, limits: api.CallLimits) {
    this.id = id
    this.#limits = limits
  }

  /** The same error each time, for all calls that end by it. */
  errorOf(end: number): unknown {
    this.#error ??= this.#newError(end)
    return this.#error
  }

  #newError(end: number): unknown {
    const { timeout, signal } = this.#limits
    switch (end) {
      case CallEnd.Aborted:
        return signal?.reason
      case CallEnd.Stopped:
        return stopped()
      default:
        return new DOMException(
          `The call did not return within its timeout of ${timeout} ms`,
          'TimeoutError',
        )
    }
  }
}

function stopped(): DOMException {
  return new DOMException('The call was stopped by another thread', 'AbortError')
}

function readLimits(value: unknown): api.CallLimits {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`runWithLimits: limits must be an object; got ${show(value)}`)
  }
  checkLimitNames('runWithLimits: limits', value, names)
  const { timeout, signal, stop, stackSize } = value as Record<(typeof names)[number], unknown>
  if (timeout !== undefined) checkInteger('runWithLimits: timeout', timeout, 1, longestTimeout)
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`runWithLimits: signal must be an AbortSignal; got ${show(signal)}`)
  }
  if (
    stop !== undefined &&
    !(types.isInt32Array(stop) && types.isSharedArrayBuffer(stop.buffer) && stop.length > 0)
  ) {
    throw new TypeError(
      `runWithLimits: stop must be an Int32Array over a SharedArrayBuffer; got ${show(stop)}`,
    )
  }
  if (stackSize !== undefined) {
    checkInteger('runWithLimits: stackSize', stackSize, 1, Number.MAX_SAFE_INTEGER)
  }
  return { timeout, signal, stop, stackSize } as api.CallLimits
}

let lastId = 0

/** See types/call-limits.d.ts. */
export const runWithLimits: api.RunWithLimits = (limits, callback, ...args) => {
  const read = readLimits(limits)
  if (typeof callback !== 'function') {
    throw new TypeError(`runWithLimits: callback must be a function; got ${show(callback)}`)
  }
  const { timeout, signal, stop, stackSize } = read
  signal?.throwIfAborted()
  if (stop !== undefined && Atomics.load(stop, 0) !== 0) throw stopped()
  const call = new LimitedCall(++lastId, read)
  // Where Node ends this as well, the listener stays, and finds no call.
  const abort = () => engine.abortCall(call.id)
  signal?.addEventListener('abort', abort)
  try {
    const result = engine.runWithLimits(
      () => callback(...args),
      (end) => call.errorOf(end),
      call.id,
      timeout,
      stop && new Uint8Array(stop.buffer, stop.byteOffset, 4),
      stackSize,
    )
    if (types.isPromise(result)) {
      throw new TypeError(
        'runWithLimits: callback returned a promise, and what runs later has no limits; limit each call within it instead',
      )
    }
    return result as ReturnType<typeof callback>
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
