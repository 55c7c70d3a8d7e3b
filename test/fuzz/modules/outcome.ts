/** What traps. An atomic access can be both unaligned and out of bounds; then either message is right. */
export type Trap = 'out of bounds' | 'unaligned' | 'either'

/** What an observer sees of one call, but for the bytes. */
export interface Outcome {
  /** The result, or the trap. */
  readonly result: string
  /** What the program published before that. */
  readonly published: string
  /** How each action of the host ended. */
  readonly actions: readonly string[]
}

/** Whether what came out may be what the reference says. */
export function agrees(actual: Outcome, expected: Outcome): boolean {
  const traps: string[] = ['out of bounds', 'unaligned'] satisfies Trap[]
  const isResultRight =
    actual.result === expected.result ||
    (expected.result === ('either' satisfies Trap) && traps.includes(actual.result))
  return (
    isResultRight &&
    actual.published === expected.published &&
    actual.actions.join() === expected.actions.join()
  )
}

/** The byte `index` of a region or memory before each call. */
export function fillPattern(bytes: Uint8Array, which: number): void {
  for (let i = 0; i < bytes.length; ++i) bytes[i] = (i * 31 + which * 101) ^ (i >> 8)
}
