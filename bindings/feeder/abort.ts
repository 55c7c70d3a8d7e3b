/** The feeders that wait for an abort of one signal. */
interface Waiting {
  readonly targets: Map<WeakRef<object>, (target: object) => void>
  readonly listener: () => void
}

/** One listener per signal serves all feeders, because Node takes many listeners for a leak. */
const waiting = new WeakMap<AbortSignal, Waiting>()

/** Removes collected feeders from signals that live on. */
const dropped = new FinalizationRegistry<() => void>((stop) => stop())

function wait(signal: AbortSignal): Waiting {
  const targets: Waiting['targets'] = new Map()
  const listener = () => {
    waiting.delete(signal)
    for (const [reference, abort] of targets) {
      const target = reference.deref()
      if (target !== undefined) abort(target)
    }
  }
  signal.addEventListener('abort', listener, { once: true })
  return { targets, listener }
}

/**
 * Calls `abort(target)` once `signal` is aborted, at once if it is. The signal does not keep
 * `target`.
 *
 * @param abort must not refer to `target`
 * @returns a function that ends the wait.
 */
export function onAbort<T extends object>(
  signal: AbortSignal,
  target: T,
  abort: (target: T) => void,
): () => void {
  if (signal.aborted) {
    abort(target)
    return () => {}
  }
  let entry = waiting.get(signal)
  if (entry === undefined) {
    entry = wait(signal)
    waiting.set(signal, entry)
  }
  const { targets, listener } = entry
  const reference = new WeakRef<object>(target)
  targets.set(reference, abort as (target: object) => void)
  const stop = () => {
    if (!targets.delete(reference) || targets.size > 0) return
    signal.removeEventListener('abort', listener)
    waiting.delete(signal)
  }
  dropped.register(target, stop, reference)
  return () => {
    dropped.unregister(reference)
    stop()
  }
}
