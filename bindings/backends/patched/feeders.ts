import type { Bindable } from '../../feeder/bindable.ts'

/** Keeps the feeder alive as long as its `next`, which instances keep. */
const feeders = new WeakMap<object, Bindable>()

export function registerFeeder(next: object, feeder: Bindable): void {
  feeders.set(next, feeder)
}

/** Undefined if `value` is not the `next` of a feeder. */
export function feederOf(value: object): Bindable | undefined {
  return feeders.get(value)
}
