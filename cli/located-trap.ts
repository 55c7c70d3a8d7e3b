/** An error of the program; the message has its functions by file and line. */
export class LocatedTrap extends Error {
  override name = 'LocatedTrap'

  constructor(cause: Error, lines: readonly string[]) {
    super([cause.message, ...lines].join('\n'), { cause })
  }
}

/** The lines of an engine's stack that are the program's. */
export function programFrames(stack = ''): string[] {
  return stack.split('\n').filter((line) => /^ +at .*wasm:/.test(line))
}
