import type * as api from '../../../types/web-assembly.d.ts'
import { Kind } from '../../addon/numbers.ts'
import type { Bindable } from '../../feeder/bindable.ts'
import { adoption, engine, registerClass, wrongReceiver } from './engine.ts'
import { feederOf } from './feeders.ts'
import { checkModule, Module } from './module.ts'

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

/** Reads the imports in the order of the module, and adds feeders among them to `feeders`. */
function readImports(module: Module, imports: unknown, feeders: Set<Bindable>): unknown[] {
  const entries: unknown[] = []
  for (const { module: moduleName, name, kind } of Module.imports(module)) {
    if (!isObject(imports)) {
      throw new TypeError(
        'WebAssembly.Instance(): Imports argument must be present and must be an object',
      )
    }
    const namespace = imports[moduleName]
    if (!isObject(namespace)) {
      entries.push(moduleName, null, false, namespace)
      continue
    }
    const value = namespace[name]
    if (typeof value === 'function') {
      const feeder = feederOf(value)
      const refusal = feeder?.refusal()
      if (refusal !== undefined) {
        throw new TypeError(`WebAssembly.Instance(): Import "${moduleName}" "${name}": ${refusal}`)
      }
      if (feeder !== undefined) feeders.add(feeder)
    }
    entries.push(moduleName, name, kind === 'function', value)
  }
  return entries
}

/** What makes instances, for messages. */
export const maker = 'the WebAssembly of v8-rawmem'

export class Instance implements api.Instance {
  declare readonly [Symbol.toStringTag]: string
  readonly #exports: api.Exports = Object.create(null)
  #module: api.Module | undefined

  static isInstance(value: unknown): value is Instance {
    return typeof value === 'object' && value !== null && #exports in value
  }

  static moduleOf(instance: api.Instance): api.Module | undefined {
    return (instance as Instance).#module
  }

  constructor(module: api.Module | typeof adoption, imports?: api.Imports) {
    if (module === adoption) return
    checkModule(module, 'WebAssembly.Instance()')
    if (imports !== undefined && !isObject(imports)) {
      throw new TypeError('WebAssembly.Instance(): Argument 1 must be an object')
    }
    this.#module = module
    const feeders = new Set<Bindable>()
    const values = readImports(module, imports, feeders)
    const entries = engine.instantiate(this, module, values)
    for (let i = 0; i < entries.length; i += 2) {
      // Not an assignment, because a name can be __proto__.
      Object.defineProperty(this.#exports, entries[i] as string, {
        value: entries[i + 1],
        enumerable: true,
      })
    }
    Object.freeze(this.#exports)
    for (const feeder of feeders) feeder.bind(this)
  }

  get exports(): api.Exports {
    if (!isObject(this) || !(#exports in this)) throw wrongReceiver('Instance', 'exports')
    return this.#exports
  }
}

/** Not members of the public class. */
export const isInstance: (value: unknown) => value is Instance = Instance.isInstance
export const moduleOf: (instance: api.Instance) => api.Module | undefined = Instance.moduleOf
Reflect.deleteProperty(Instance, 'isInstance')
Reflect.deleteProperty(Instance, 'moduleOf')

registerClass(Kind.Instance, Instance)
