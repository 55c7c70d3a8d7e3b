/**
 * Who keeps whom alive. Two garbage collectors are at work, and neither sees through the other's heap. The usual program
 * has a cycle across both: an imported function refers to the instance, which refers to the imported function. So only
 * one side owns anything: objects of the engine are kept by their wrappers, and refer to functions of JavaScript weakly.
 * What keeps those is the store, which every wrapper of an instance, and of what belongs to it, leads to. All of the
 * cycle is then in JavaScript's heap.
 */
export class Store {
  readonly #kept = new Set<unknown>()
  /** Regions per instance and memory index, see raw-memory.ts. */
  readonly regions = new Map<object, Map<number, object>>()
  /** The `next` of feeders that are bound to an instance of this store. */
  readonly feeders = new Set<object>()
  /** The addon's side of it, made when there is something to attach. */
  attachments: object | undefined

  keep(value: unknown): void {
    this.#kept.add(value)
  }
}

const stores = new WeakMap<object, Store>()

/** The store that `object` leads to, if any. */
export function storeOf(object: object): Store | undefined {
  return object instanceof Store ? object : stores.get(object)
}

/** Puts a wrapper into a store. */
export function setStore(object: object, store: Store): void {
  stores.set(object, store)
}

/**
 * From now on `owner` and `object`, two wrappers or stores, keep each other alive, since the engine may make each
 * reachable from the other. A wrapper that is in no store yet goes into that of `owner`.
 */
export function link(owner: object | undefined, object: object): void {
  const ownerStore = owner === undefined ? undefined : storeOf(owner)
  const store = storeOf(object)
  if (store === undefined) {
    setStore(object, ownerStore ?? new Store())
  } else if (ownerStore === undefined) {
    if (owner !== undefined) setStore(owner, store)
  } else if (store !== ownerStore) {
    store.keep(ownerStore)
    ownerStore.keep(store)
  }
}
