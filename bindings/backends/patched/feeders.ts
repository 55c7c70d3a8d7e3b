import type { Instance } from '../../../types/web-assembly.d.ts'

/** What instances that import the `next` of a feeder have to know of it. */
export interface Bindable {
  /** Why no further instance can import it, if so. */
  refusal(): string | undefined
  /** Binds it to the instance that has imported it. */
  bind(instance: Instance): void
}

/** Keeps the feeder alive as long as its `next`, which is what instances keep. */
const feeders = new WeakMap<object, Bindable>()

export function registerFeeder(next: object, feeder: Bindable): void {
  feeders.set(next, feeder)
}

/** Undefined if `value` is not the `next` of a feeder. */
export function feederOf(value: object): Bindable | undefined {
  return feeders.get(value)
}
