import type * as api from '../../types/wasi.d.ts'
import { checkInteger, show } from '../arguments.ts'

/** A file descriptor, or a function that gets the bytes. */
export type Output = number | ((bytes: Uint8Array) => void)

/** Options that have been checked, with the defaults filled in. */
export interface WasiOptions {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly preopens: Readonly<Record<string, string>>
  /** None: an empty file. */
  readonly stdin?: number
  readonly stdout: Output
  readonly stderr: Output
}

const maxDescriptor = 2 ** 31 - 1

function checkString(name: string, value: unknown): string {
  if (typeof value !== 'string') {
    throw new TypeError(`wasi: ${name} must be a string; got ${show(value)}`)
  }
  // Programs take it for the end.
  if (value.includes('\0')) {
    throw new TypeError(`wasi: ${name} must have no NUL character; got ${show(value)}`)
  }
  return value
}

function readStrings(name: string, value: unknown): Record<string, string> {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(`wasi: ${name} must be an object; got ${show(value)}`)
  }
  const given = Object.entries(value).filter(([, each]) => each !== undefined)
  return Object.fromEntries(
    given.map(([key, each]) => [
      checkString(`a name in ${name}`, key),
      checkString(`${name}[${show(key)}]`, each),
    ]),
  )
}

function readEnv(value: unknown): Record<string, string> {
  const env = readStrings('env', value)
  for (const name of Object.keys(env)) {
    if (name.includes('=')) {
      throw new TypeError(`wasi: a name in env must have no =; got ${show(name)}`)
    }
  }
  return env
}

function checkOutput(name: string, value: unknown): Output {
  if (typeof value === 'function') return value as Output
  return checkInteger(`wasi: ${name}`, value, 0, maxDescriptor, ', or a function')
}

/**
 * @throws {TypeError} for an option of the wrong type, {RangeError} for a file descriptor that can
 *   be none.
 */
export function readWasiOptions(options: unknown = {}): WasiOptions {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`wasi: options must be an object; got ${show(options)}`)
  }
  const {
    args = [],
    env = {},
    preopens = {},
    stdin,
    stdout = 1,
    stderr = 2,
  } = options as api.WasiOptions
  if (!Array.isArray(args)) {
    throw new TypeError(`wasi: args must be an array of strings; got ${show(args)}`)
  }
  return {
    args: Array.from(args, (each: unknown, i) => checkString(`args[${i}]`, each)),
    env: readEnv(env),
    preopens: readStrings('preopens', preopens),
    ...(stdin !== undefined && { stdin: checkInteger('wasi: stdin', stdin, 0, maxDescriptor) }),
    stdout: checkOutput('stdout', stdout),
    stderr: checkOutput('stderr', stderr),
  }
}
