/**
 * What a wrapper keeps: an array that the addon makes and fills with the values that the object of
 * the engine can reach. See bindings/native/patched/store.h.
 */
type Keeper = unknown[]

let kept = {
  keepers: new WeakMap<object, Keeper>(),
  /** Values that stay for good, because roots of the engine lead to them. */
  root: [] as Keeper,
}

/** From now on `wrapper` keeps `keeper`. */
export function keep(wrapper: object, keeper: Keeper): void {
  kept.keepers.set(wrapper, keeper)
}

/** Replaces all keepers with one assignment: if this is interrupted, nothing has changed. */
export function keepAll(wrappers: object[], newKeepers: Keeper[], root: Keeper): void {
  const keepers = new WeakMap<object, Keeper>()
  for (let i = 0; i < wrappers.length; ++i) {
    keepers.set(wrappers[i] as object, newKeepers[i] as Keeper)
  }
  kept = { keepers, root }
}
