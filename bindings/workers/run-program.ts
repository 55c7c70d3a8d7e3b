import { inspect } from 'node:util'
import type { Backend } from '../../types/backend.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { Module } from '../../types/web-assembly.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import { engine } from '../backends/patched/engine.ts'
import { describe } from './describe.ts'
import type { Done, Job } from './job.ts'
import { type Linked, link } from './link.ts'
import { arrayReader } from './memory-arrays.ts'

/** What begins a program of WASI, and what prepares a library. */
const programStart = '_start'
const libraryStart = '_initialize'
const defaultExport = 'run'

function checkResult(name: string, value: unknown): ExportResult {
  const values = Array.isArray(value) ? value : [value]
  for (const each of values) {
    if (typeof each !== 'number' && typeof each !== 'bigint' && each !== undefined) {
      throw new TypeError(
        `export: '${name}' returned a reference, which cannot travel between threads; got ${inspect(each, { depth: 0 })}`,
      )
    }
  }
  return value as ExportResult
}

function count(number: number, thing: string): string {
  return `${number} ${thing}${number === 1 ? '' : 's'}`
}

/** JavaScript fills in what is missing: a 0, an address of 0 at that. */
function checkArity(name: string, parameters: number, args: number): void {
  if (parameters === args) return
  const hint =
    parameters === args + 1
      ? '. Where it returns a struct, the first argument is the address for it: have it return a number, such as the address of a static'
      : ''
  throw new TypeError(
    `export: '${name}' takes ${count(parameters, 'argument')}, and args has ${args}${hint}`,
  )
}

/**
 * Says of an import that got the wrong type of number which one it is. Otherwise gives the error
 * itself.
 */
function explained(error: unknown, { next, feeder }: Job, { hasSeen }: Linked): unknown {
  if (!(error instanceof TypeError) || !hasSeen()) return error
  const [expected, other] =
    feeder.address === 'i32'
      ? [/^Cannot convert \d+ to a BigInt$/, 'i64']
      : [/^Cannot convert a BigInt value to a number$/, 'i32']
  if (!expected.test(error.message)) return error
  return new TypeError(
    `next: the module imports '${next}' with an ${other} result; give address: '${other}'`,
    { cause: error },
  )
}

function call(linked: Linked, name: string, job: Job): ExportResult {
  const { instance, host } = linked
  const { exports } = instance
  checkArity(name, exports[name].length, job.args.length)
  if (name === programStart) {
    if (host !== undefined) return host.start(instance)
    exports[name]()
    return 0
  }
  if (host !== undefined) host.initialize(instance)
  else if (typeof exports[libraryStart] === 'function') exports[libraryStart]()
  try {
    return checkResult(name, exports[name](...job.args))
  } catch (error) {
    throw explained(error, job, linked)
  }
}

/** What this thread has compiled, the module that was used last at the end. */
const modules = new Map<string, Module>()
const mostModules = 8

/** Threads of a process share code, as long as one of them has the module. */
function compiled({ name, WebAssembly }: Backend, { module, tiering }: Job): Module {
  const key = [name, tiering, module.hash].join()
  const known = modules.get(key)
  modules.delete(key)
  const found =
    known ?? new WebAssembly.Module(module.bytes, tiering === undefined ? {} : { tiering })
  modules.set(key, found)
  for (const [oldest] of modules) {
    if (modules.size <= mostModules) break
    modules.delete(oldest)
  }
  return found
}

let hasWaited = false

/** A thread waits before its first part only: clients say once that it may run. */
function waitForDebugger(): void {
  if (hasWaited) return
  hasWaited = true
  engine.inspector.waitForDebugger(true)
}

/** Runs the program of a job over its regions. */
export function runProgram(
  backend: Backend,
  regions: readonly (HostRegion | null)[],
  job: Job,
): Done {
  const { WebAssembly } = backend
  const module = compiled(backend, job)
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function')
  const has = (name: string) => functions.some((each) => each.name === name)
  const name = job.exportName ?? (has(programStart) ? programStart : defaultExport)
  if (!has(name)) {
    throw new TypeError(
      `export: the module exports no function '${name}'; its functions are: ${describe(functions)}`,
    )
  }
  if (job.waitForDebugger) waitForDebugger()
  const readArrays = arrayReader(WebAssembly.Module, module, job.arrays)
  const linked = link(backend, module, regions, job)
  try {
    const result = call(linked, name, job)
    return { result, arrays: readArrays(linked.instance) }
  } finally {
    linked.close()
  }
}
