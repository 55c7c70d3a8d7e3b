import { inspect } from 'node:util'

/** A value as one line of an error message. */
export function show(value: unknown): string {
  return inspect(value, { depth: 0, customInspect: false, breakLength: Number.POSITIVE_INFINITY })
}

/** @param why The reason for the range, for the message. */
export function checkInteger(
  name: string,
  value: unknown,
  min: number,
  max: number,
  why = '',
): number {
  const allowed = `an integer from ${min} to ${max}${why}`
  if (typeof value !== 'number') {
    throw new TypeError(`${name} must be a number, ${allowed}; got ${show(value)}`)
  }
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new RangeError(`${name} must be ${allowed}; got ${value}`)
  }
  // -0 would otherwise survive into results.
  return value + 0
}

export function checkBoolean(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new TypeError(`${name} must be a boolean; got ${show(value)}`)
  }
  return value
}

/** Limits must name at least one. A misspelt one is refused, since it would limit nothing. */
export function checkLimitNames(what: string, limits: object, names: readonly string[]): void {
  const refuse = (got: string): never => {
    throw new TypeError(`${what} must have one of ${names.join(', ')}${got}`)
  }
  let isLimited = false
  // Each limited call comes here, so no array is made.
  for (const name in limits) {
    if (!names.includes(name)) refuse(`; got ${show(name)}`)
    isLimited ||= limits[name as keyof typeof limits] !== undefined
  }
  if (!isLimited) refuse('')
}

/** The engine's limit, kV8MaxWasmMemories. */
export const maxMemories = 100_000

export function checkMemoryIndex(value: unknown): asserts value is number {
  checkInteger('memoryIndex', value, 0, maxMemories - 1)
}
