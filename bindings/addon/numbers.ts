/**
 * Numbers that TypeScript and C++ have to agree on, written down here alone: `npm run format` makes
 * bindings/native/common/numbers.h of them, and `npm run lint` fails where that differs.
 */

/** What an object of the engine is. */
export const Kind = {
  Module: 0,
  Instance: 1,
  Memory: 2,
  Table: 3,
  Global: 4,
  Tag: 5,
  Exception: 6,
  /** An exported function. */
  Function: 7,
  /** An error that the engine made. The wrapper is an error of Node's. */
  Error: 8,
  /** A reference that JavaScript can only pass on: a struct or an array. */
  Reference: 9,
} as const

export type Kind = (typeof Kind)[keyof typeof Kind]

/** What an argument is to become in the engine. */
export const Shape = {
  /** The value itself. */
  Value: 0,
  /** An object, given as an array of name, shape, value, name, … */
  Record: 1,
  /** An array of values. */
  List: 2,
} as const

/** Functions that the addon calls: their places in the array that `start` is given. */
export const Hook = {
  /** adopt(kind) → object: a new wrapper. */
  Adopt: 0,
  /** keep(wrapper, keeper): the wrapper keeps the keeper, see bindings/native/patched/store.h. */
  Keep: 1,
  /**
   * keepAll(wrappers, keepers, rootKeeper): the same for all wrappers there are, and nothing else does any more.
   * `rootKeeper` stays for good.
   */
  KeepAll: 2,
  /** makeError(name, message, frames) → error. */
  MakeError: 3,
  /** toPrimitive(value, hint) → primitive. */
  ToPrimitive: 4,
  /** toList(value) → array of what iterating over the value gives. */
  ToList: 5,
  /** No function, but the proxy that bindings/native/patched/node_isolate.h is about. */
  Probe: 6,
} as const

/** Why a call under limits has to end. */
export const CallEnd = { None: 0, Timeout: 1, Stopped: 2, Aborted: 3 } as const

/** Why a feeder calls `notify`. */
export const Notice = { Progress: 0, Aborted: 1, Stopped: 2, End: 3 } as const

/** What the server of the inspector asks of a thread. */
export const InspectorRequest = {
  Connect: 0,
  Dispatch: 1,
  Disconnect: 2,
  DisconnectAll: 3,
} as const

/** What a thread tells the server of the inspector. */
export const InspectorEvent = { TargetAdded: 0, TargetRemoved: 1, Message: 2 } as const

/** Where a feeder is, in its control block. */
export const FeederState = { NotBegun: 0, AtWindow: 1, AtEnd: 2 } as const

/** Bits of `flags` when a feeder is made. */
export const FeederFlag = {
  Address64: 1,
  Prefetch: 2,
  Release: 4,
  Writable: 8,
  Progress: 16,
  /** The program did not ask for any size. */
  AnyWindowSize: 32,
} as const

/** Bytes of a control block, see bindings/feeder/options.ts: the offsets of what is in it, and its length. */
export const ControlBlock = { Stop: 0, State: 4, Position: 8, Windows: 16, Length: 32 } as const

/** C++ has a type of its own for each of these … */
export const enumerations = {
  Kind,
  Shape,
  Hook,
  CallEnd,
  Notice,
  InspectorRequest,
  InspectorEvent,
  FeederState,
}

/** … and plain numbers for these. */
export const constants = { FeederFlag, ControlBlock }
