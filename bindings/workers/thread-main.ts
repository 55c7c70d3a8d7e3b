// The main module of a worker thread: runs one program over one region.

import { inspect } from 'node:util'
import { parentPort, workerData } from 'node:worker_threads'
import type { Backend } from '../../types/backend.d.ts'
import type { HostRegion } from '../../types/host-region.d.ts'
import type { Imports, ModuleImportDescriptor } from '../../types/web-assembly.d.ts'
import type { ExportResult } from '../../types/workers.d.ts'
import { openBackend } from '../backends/index.ts'
import { controlBlock } from '../feeder/options.ts'
import { encodeError } from './error-message.ts'
import type { Job, Outcome } from './job.ts'

function list(things: readonly { name: string; kind: string; module?: string }[]): string {
  const shown = things.map(
    ({ module, name, kind }) => `${module === undefined ? '' : `${module}.`}${name} (${kind})`,
  )
  return shown.length === 0 ? 'none' : shown.join(', ')
}

/** The imports of the module: the feeder's `next` only. */
function importsOf(imports: ModuleImportDescriptor[], next: string, feed: object): Imports {
  const fed = imports.find(
    (each) => each.kind === 'function' && `${each.module}.${each.name}` === next,
  )
  if (fed === undefined) {
    throw new TypeError(
      `next: the module imports no function '${next}'; its imports are: ${list(imports)}`,
    )
  }
  const others = imports.filter((each) => each.module !== fed.module || each.name !== fed.name)
  if (others.length > 0) {
    throw new TypeError(
      `The module must import nothing but '${next}', since no function, memory or table travels to another thread; it also imports: ${list(others)}`,
    )
  }
  return { [fed.module]: { [fed.name]: feed } }
}

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

function callOver(
  { ChunkFeeder, WebAssembly }: Backend,
  region: HostRegion,
  job: Job,
): ExportResult {
  const { bytes, exportName, args, next, tiering, feeder, control } = job
  const module = new WebAssembly.Module(bytes, tiering === undefined ? {} : { tiering })
  const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function')
  if (!functions.some(({ name }) => name === exportName)) {
    throw new TypeError(
      `export: the module exports no function '${exportName}'; its functions are: ${list(functions)}`,
    )
  }
  const options = { ...feeder, [controlBlock]: control }
  const fed = new ChunkFeeder(region, options)
  try {
    const imports = WebAssembly.Module.imports(module)
    const instance = new WebAssembly.Instance(module, importsOf(imports, next, fed.next))
    return checkResult(exportName, instance.exports[exportName](...args))
  } finally {
    fed.close()
  }
}

function run(job: Job): ExportResult {
  const backend = openBackend(job.backend)
  const region = backend.HostRegion.open(job.region)
  try {
    return callOver(backend, region, job)
  } finally {
    region.close()
  }
}

function outcome(): Outcome {
  try {
    return { result: run(workerData as Job) }
  } catch (error) {
    return { error: encodeError(error) }
  }
}

// Not during module evaluation: if terminate() interrupts that, Node 22 can abort the process.
setImmediate(() => parentPort?.postMessage(outcome()))
