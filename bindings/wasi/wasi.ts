import { createRequire } from 'node:module'
import type * as api from '../../types/wasi.d.ts'
import type { Instance, Memory } from '../../types/web-assembly.d.ts'
import { show } from '../arguments.ts'
import { windowBytesOf } from '../backends/patched/window-bytes.ts'
import { calls } from './calls.ts'
import { Desk } from './desk.ts'
import { type Call, type Exchange, forward, withFaults } from './forward.ts'
import { readWasiOptions, type WasiOptions } from './options.ts'
import { ownCalls } from './own-calls.ts'
import { ProgramExit } from './program-exit.ts'
import { ProgramMemory } from './program-memory.ts'
import { openEmptyFile, StandardStreams } from './standard-streams.ts'

/** Without its warning: all that it says is that `node:wasi` may change. */
function loadNodeWasi(): typeof import('node:wasi') {
  const { emitWarning } = process
  process.emitWarning = () => {}
  try {
    return createRequire(import.meta.url)('node:wasi')
  } finally {
    process.emitWarning = emitWarning
  }
}

/** The calls of `node:wasi`, which work on `memory`. */
function nodeCalls(options: WasiOptions, memory: Memory): Record<string, Call> {
  const { preopens, stdin, stdout, stderr } = options
  const { WASI } = loadNodeWasi()
  const node = new WASI({
    version: 'preview1',
    preopens,
    stdin: stdin ?? openEmptyFile(),
    stdout: typeof stdout === 'number' ? stdout : openEmptyFile(),
    stderr: typeof stderr === 'number' ? stderr : openEmptyFile(),
  })
  node.initialize({ exports: { memory } })
  return node.wasiImport as Record<string, Call>
}

function importedCalls(options: WasiOptions, memory: ProgramMemory): Record<string, Call> {
  const exchange: Exchange = { memory, desk: new Desk() }
  const targets = nodeCalls(options, exchange.desk.memory)
  const streams = new StandardStreams(memory, options.stdout, options.stderr)
  const functions: Record<string, Call> = ownCalls(targets, options, exchange)
  for (const [name, parameters] of Object.entries(calls)) {
    const call = forward(name, parameters, targets[name]!, exchange)
    functions[name] = name.startsWith('fd_') ? streams.around(name, call) : call
  }
  return Object.fromEntries(
    Object.entries(functions).map(([name, call]) => [name, withFaults(call)]),
  )
}

/** Whether of Node's or of the engine inside. */
function isMemory(value: unknown): value is Memory {
  return Object.prototype.toString.call(value) === '[object WebAssembly.Memory]'
}

class Wasi implements api.Wasi {
  readonly imports: api.Wasi['imports']
  readonly #memory = new ProgramMemory()

  constructor(options: WasiOptions) {
    const functions = Object.freeze(importedCalls(options, this.#memory))
    this.imports = Object.freeze({ wasi_snapshot_preview1: functions })
  }

  start(instance: Instance): number {
    const { _start } = this.#begin('start', instance)
    if (typeof _start !== 'function') {
      throw new TypeError(
        'start: the instance exports no function _start; give it to initialize(), and call the export that you want',
      )
    }
    try {
      _start()
      return 0
    } catch (error) {
      if (error instanceof ProgramExit) return error.exitCode
      throw error
    }
  }

  initialize(instance: Instance): void {
    const { _start, _initialize } = this.#begin('initialize', instance)
    if (_start !== undefined) {
      throw new TypeError(
        'initialize: the instance exports _start, so it is a program; run it by start()',
      )
    }
    if (typeof _initialize === 'function') _initialize()
  }

  #begin(method: string, instance: Instance): Instance['exports'] {
    const { exports } = instance
    if (typeof exports !== 'object' || exports === null) {
      throw new TypeError(`${method}: instance must be an instance; got ${show(instance)}`)
    }
    if (!isMemory(exports.memory)) {
      throw new TypeError(
        `${method}: the instance must export its memory as 'memory'; got ${show(exports.memory)}`,
      )
    }
    if (this.#memory.isKnown) {
      throw new TypeError(
        `${method}: a program runs on this host already; make a host for each instance by wasi()`,
      )
    }
    this.#memory.set(exports.memory, windowBytesOf(instance))
    return exports
  }
}

/** See types/wasi.d.ts. */
export function wasi(options?: api.WasiOptions): api.Wasi {
  return new Wasi(readWasiOptions(options))
}
