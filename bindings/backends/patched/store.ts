/**
 * What a wrapper keeps for the object of the engine that it stands for: an array that the addon made and fills. Why it is
 * there: bindings/native/patched/store.h.
 */
type Keeper = unknown[]

let kept = {
  keepers: new WeakMap<object, Keeper>(),
  /** What stays for good, since the engine's own roots lead to it. */
  root: [] as Keeper,
}

/** From now on `wrapper` keeps `keeper`. */
export function keep(wrapper: object, keeper: Keeper): void {
  kept.keepers.set(wrapper, keeper)
}

/** Replaces what all wrappers keep, at one stroke: if this is interrupted, all is as it was. */
export function keepAll(wrappers: object[], newKeepers: Keeper[], root: Keeper): void {
  const keepers = new WeakMap<object, Keeper>()
  for (let i = 0; i < wrappers.length; ++i) {
    keepers.set(wrappers[i] as object, newKeepers[i] as Keeper)
  }
  kept = { keepers, root }
}
