import binaryen from 'binaryen'
import {
  type WebAssembly as api,
  type Backend,
  deserializeModule,
  type HostRegion,
  serializeModule,
} from 'v8-rawmem'

/** Node's own engine. */
const own = Reflect.get(globalThis, 'WebAssembly') as typeof api

/** Of a stack. */
const usedUp = 'RangeError: Maximum call stack size exceeded'

export interface BinaryenOptions {
  readonly throughCodeCache: boolean
  readonly hostWindows: boolean
}

/** How one engine runs a program: each call's result, what it logged, and the bytes in the end. */
interface Run {
  readonly calls: readonly string[]
  readonly bytes: Uint8Array
}

/**
 * How a program of Binaryen differs on a backend, with a region in place of its memory or beside
 * host windows, from itself in Node's own engine.
 */
export function binaryenDifference(
  program: Uint8Array,
  backend: Backend,
  { throughCodeCache, hostWindows }: BinaryenOptions,
): { readonly calls: number; readonly difference?: string } {
  const bytes = exportingMemory(program)
  // Now and then the generator uses what was not enabled, and Node does not have.
  if (!own.validate(bytes)) return { calls: 0 }
  const expected = run(own, new own.Module(bytes))
  const compiled = new backend.WebAssembly.Module(bytes, { hostWindows })
  const module = throughCodeCache
    ? deserializeModule(serializeModule(compiled), bytes, { hostWindows })
    : compiled
  const actual = run(backend.WebAssembly, module, hostWindows ? undefined : backend)
  const calls = expected.calls.length
  for (const [index, call] of expected.calls.entries()) {
    const other = actual.calls[index]
    // The engines use up a stack at different depths: the rest may differ.
    if (`${call} ${other}`.includes(usedUp)) return { calls: index }
    if (other !== call) return { calls, difference: `${other}\nexpected ${call}` }
  }
  const at = expected.bytes.findIndex((byte, index) => byte !== actual.bytes[index])
  return at < 0 ? { calls } : { calls, difference: `byte ${at} of the memory` }
}

const { Features } = binaryen
/** Those of binaryen-round.ts: with more, the binary has what not every release of Node can read. */
const features =
  Features.BulkMemory |
  Features.BulkMemoryOpt |
  Features.Multivalue |
  Features.MutableGlobals |
  Features.NontrappingFPToInt |
  Features.ReferenceTypes |
  Features.SIMD128 |
  Features.SignExt |
  Features.TailCall

/** The program with its memory exported as `memory`, and without what differs between engines. */
function exportingMemory(program: Uint8Array): Uint8Array<ArrayBuffer> {
  const module = binaryen.readBinary(program)
  try {
    module.setFeatures(features)
    module.addMemoryExport('0', 'memory')
    return Uint8Array.from(module.emitBinary())
  } finally {
    module.dispose()
  }
}

/** @param attachWith Where the memory is to be a region with a copy of its bytes. */
function run(engine: typeof api, module: api.Module, attachWith?: Backend): Run {
  const log: string[] = []
  const note = (...values: unknown[]) => {
    log.push(values.map(describe).join())
  }
  const imports: api.Imports = {}
  let table: api.Table | undefined
  for (const { module: from, name, kind } of engine.Module.imports(module)) {
    imports[from] ??= {}
    const set = imports[from]
    // Globals are named after their types.
    if (kind === 'global') set[name] = /^i64/.test(name) ? 0n : /^extern/.test(name) ? 'any' : 0
    if (kind !== 'function') continue
    if (name === 'table-get') set[name] = (index: number) => table?.get(index >>> 0)
    else if (name === 'table-set') {
      set[name] = (index: number, value: unknown) => table?.set(index >>> 0, value)
    } else set[name] = note
  }
  let instance: api.Instance
  try {
    instance = new engine.Instance(module, imports)
  } catch (error) {
    // Of the start function.
    return { calls: [kindOf(error)], bytes: new Uint8Array() }
  }
  const { memory } = instance.exports
  table = instance.exports.table
  let region: HostRegion | undefined
  if (attachWith !== undefined) {
    const { byteLength } = memory.buffer
    region = attachWith.HostRegion.allocate(byteLength)
    const view = region.view(Uint8Array) as Uint8Array
    view.set(new Uint8Array(memory.buffer))
    attachWith.setWasmInstanceRawMemory(instance, region, 0, { overOwnData: true })
  }
  const calls: string[] = []
  for (const [name, call] of Object.entries(instance.exports)) {
    if (typeof call !== 'function') continue
    log.length = 0
    let result: string
    try {
      // Functions of Binaryen take zeros for what is missing; references become null.
      result = describe(call(...new Array(call.length).fill(0)))
    } catch (error) {
      result = kindOf(error)
    }
    calls.push(`${name}: ${result}; ${log.join(' ')}`)
  }
  const shown =
    (region?.view(Uint8Array) as Uint8Array | undefined) ?? new Uint8Array(memory.buffer)
  const bytes = shown.slice()
  if (attachWith !== undefined) {
    attachWith.setWasmInstanceRawMemory(instance, null)
    region?.close()
  }
  return { calls, bytes }
}

function describe(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(describe)}]`
  return typeof value === 'function' || (typeof value === 'object' && value !== null)
    ? typeof value
    : `${Object.is(value, -0) ? '-0' : value}`
}

/** The message, but for what engines of different versions say differently. */
function kindOf(error: unknown): string {
  const { name, message } = error as Error
  if (/null function|signature mismatch/.test(message)) return 'not such a function'
  if (/Table.*invalid (index|address)/.test(message)) return 'no such element'
  return name === 'RuntimeError' || name === 'RangeError' ? `${name}: ${message}` : name
}
