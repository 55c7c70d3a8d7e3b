import { types } from 'node:util'
import type * as api from '../../../types/web-assembly.d.ts'
import { checkBoolean } from '../../arguments.ts'
import { bytesOf, responseBytes } from '../module-bytes.ts'
import { type ModuleLayout, moduleLayout } from '../module-layout.ts'
import { limitedBytes } from '../module-limits.ts'

/** Node's own namespace, its members read before a program can replace them. */
export const native: api.WebAssemblyNamespace = Object.create(
  null,
  Object.getOwnPropertyDescriptors(
    (globalThis as unknown as { WebAssembly: api.WebAssemblyNamespace }).WebAssembly,
  ),
)

/** What a namespace remembers of an instance. */
export interface InstanceParts {
  readonly layout: ModuleLayout | Error
  /** Whether the module was compiled for host windows. */
  readonly hostWindows: boolean
  /** The declared imports, as the instance received them. */
  readonly imports: api.Imports
  /** Memories that a backend added, by memory index. */
  readonly memories: readonly (api.Memory | undefined)[]
}

/** A module as Node compiles it. */
export interface PreparedModule {
  readonly bytes: Uint8Array
  /**
   * Adds the further imports of the changed module. Called once for each instance, for the function
   * `where`, by default `WebAssembly.Instance()`. Throws for imports that the module would refuse
   * as it was.
   */
  link?(
    imports: api.Imports,
    where?: string,
  ): {
    readonly imports: api.Imports
    readonly memories: readonly (api.Memory | undefined)[]
  }
  /** Whether the namespace provides the imports from that module. */
  isHidden?(moduleName: string): boolean
}

export interface NamespaceOptions {
  /** Changes a module before Node compiles it, or throws. Node refuses bytes that are no module. */
  prepare?(
    bytes: Uint8Array,
    layout: ModuleLayout | Error,
    options: { readonly hostWindows: boolean },
  ): PreparedModule
  /** Called with the imports before an instance is made. Its errors go to the program. */
  instantiating?(imports: api.Imports): void
  /** Called with every new instance before the program sees it. */
  instantiated?(instance: api.Instance, parts: InstanceParts): void
  /** Replaces Node's class. */
  readonly Memory: api.MemoryConstructor
}

export interface NodeNamespace {
  readonly WebAssembly: api.WebAssemblyNamespace
  /** Undefined if this namespace did not make `instance` from one of its modules. */
  partsOf(instance: unknown): InstanceParts | undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function'
}

function layoutOf(bytes: Uint8Array): ModuleLayout | Error {
  try {
    return moduleLayout(bytes)
  } catch (error) {
    // Newer than this package: the module runs, but cannot be attached.
    return error as Error
  }
}

interface KnownModule extends PreparedModule {
  readonly layout: ModuleLayout | Error
  readonly hostWindows: boolean
}

/** Wraps Node's namespace, with the same classes, and remembers modules and instances. */
export function nodeNamespace(options: NamespaceOptions): NodeNamespace {
  const modules = new WeakMap<object, KnownModule>()
  const instances = new WeakMap<object, InstanceParts>()

  function prepare(
    given: Uint8Array,
    compileOptions: api.CompileOptions | undefined,
    where: string,
  ): KnownModule {
    const bytes = limitedBytes(given, compileOptions, where, () =>
      native.validate(given as Uint8Array<ArrayBuffer>, compileOptions),
    )
    const layout = layoutOf(bytes)
    const wanted = compileOptions?.hostWindows
    if (wanted !== undefined) checkBoolean('options.hostWindows', wanted)
    const hostWindows = wanted === true || (!(layout instanceof Error) && layout.importsRawmem)
    return {
      layout,
      hostWindows,
      ...(options.prepare?.(bytes, layout, { hostWindows }) ?? { bytes }),
    }
  }

  function remember(module: api.Module, known: KnownModule): api.Module {
    // Not the bytes, because Node keeps them already.
    modules.set(module, { ...known, bytes: new Uint8Array() })
    return module
  }

  function importsOf(module: api.Module): api.ModuleImportDescriptor[] {
    const known = modules.get(module)
    const all = native.Module.imports(module)
    return known?.isHidden === undefined
      ? all
      : all.filter((entry) => !known.isHidden?.(entry.module))
  }

  /** Reads every import once, so that Node gets the values that are remembered. */
  function readImports(module: api.Module, imports: unknown): unknown {
    const entries = importsOf(module)
    if (entries.length === 0) {
      // Node throws.
      return imports === undefined || isObject(imports) ? Object.create(null) : imports
    }
    if (!isObject(imports)) return imports
    const sources = new Map<string, unknown>()
    const result: api.Imports = Object.create(null)
    for (const { module: moduleName, name } of entries) {
      if (!sources.has(moduleName)) {
        const source = imports[moduleName]
        sources.set(moduleName, source)
        result[moduleName] = isObject(source) ? Object.create(null) : source
      }
      const source = sources.get(moduleName)
      const target = result[moduleName] as api.Imports[string]
      if (isObject(source) && !(name in target)) target[name] = source[name] as api.ImportValue
    }
    return result
  }

  /** The arguments with which Node instantiates a module of this namespace. */
  function link(module: api.Module, known: KnownModule, given: unknown, where: string) {
    const imports = readImports(module, given)
    // Node throws if this is no object.
    const own = isObject(imports) ? (imports as api.Imports) : {}
    options.instantiating?.(own)
    const linked = isObject(imports) ? known.link?.(own, where) : undefined
    const parts: InstanceParts = {
      layout: known.layout,
      hostWindows: known.hostWindows,
      imports: own,
      memories: linked?.memories ?? [],
    }
    return { imports: (linked?.imports ?? imports) as api.Imports | undefined, parts }
  }

  function finish(instance: api.Instance, parts: InstanceParts): void {
    instances.set(instance, parts)
    for (const value of Object.values(instance.exports)) {
      // Exported memories get the members of memories made with `new Memory`.
      if (isObject(value) && Object.getPrototypeOf(value) === native.Memory.prototype) {
        Object.setPrototypeOf(value, options.Memory.prototype)
      }
    }
    options.instantiated?.(instance, parts)
  }

  const Module: api.ModuleConstructor = new Proxy(native.Module, {
    construct(target, [source, compileOptions], newTarget) {
      const where = 'WebAssembly.Module()'
      const known = prepare(bytesOf(source, where), compileOptions, where)
      const self = newTarget === Module ? target : newTarget
      return remember(Reflect.construct(target, [known.bytes, compileOptions], self), known)
    },
    get(target, key, receiver) {
      return key === 'imports' ? importsOf : Reflect.get(target, key, receiver)
    },
  })

  const Instance: api.InstanceConstructor = new Proxy(native.Instance, {
    construct(target, [module, given], newTarget) {
      const self = newTarget === Instance ? target : newTarget
      const known = isObject(module) ? modules.get(module) : undefined
      // Node throws if it is no module.
      if (known === undefined) return Reflect.construct(target, [module, given], self)
      const { imports, parts } = link(module, known, given, 'WebAssembly.Instance()')
      const instance: api.Instance = Reflect.construct(target, [module, imports], self)
      finish(instance, parts)
      return instance
    },
  })

  async function compileBytes(
    source: unknown,
    compileOptions: api.CompileOptions | undefined,
    where: string,
  ): Promise<api.Module> {
    // A copy: Node must compile the same bytes on its threads.
    const known = prepare(bytesOf(source, where).slice(), compileOptions, where)
    return remember(await native.compile(known.bytes, compileOptions), known)
  }

  async function instantiateModule(
    module: api.Module,
    given: api.Imports | undefined,
  ): Promise<api.Instance> {
    const known = modules.get(module)
    if (known === undefined) return await native.instantiate(module, given)
    const { imports, parts } = link(module, known, given, 'WebAssembly.instantiate()')
    const instance = await native.instantiate(module, imports)
    finish(instance, parts)
    return instance
  }

  const functions = {
    validate: (source: api.BytesSource, compileOptions?: api.CompileOptions) =>
      native.validate(bytesOf(source, 'WebAssembly.validate()'), compileOptions),
    compile: async (source: api.BytesSource, compileOptions?: api.CompileOptions) =>
      await compileBytes(source, compileOptions, 'WebAssembly.compile()'),
    async instantiate(
      source: api.BytesSource | api.Module,
      imports?: api.Imports,
      compileOptions?: api.CompileOptions,
    ) {
      if (isObject(source) && !ArrayBuffer.isView(source) && !types.isAnyArrayBuffer(source)) {
        return await instantiateModule(source as unknown as api.Module, imports)
      }
      const module = await compileBytes(source, compileOptions, 'WebAssembly.instantiate()')
      return { module, instance: await instantiateModule(module, imports) }
    },
    async compileStreaming(
      source: api.ResponseLike | PromiseLike<api.ResponseLike>,
      compileOptions?: api.CompileOptions,
    ) {
      const where = 'WebAssembly.compileStreaming()'
      return await compileBytes(await responseBytes(source, where), compileOptions, where)
    },
    async instantiateStreaming(
      source: api.ResponseLike | PromiseLike<api.ResponseLike>,
      imports?: api.Imports,
      compileOptions?: api.CompileOptions,
    ) {
      const where = 'WebAssembly.instantiateStreaming()'
      const bytes = await responseBytes(source, where)
      const module = await compileBytes(bytes, compileOptions, where)
      return { module, instance: await instantiateModule(module, imports) }
    },
  }

  const WebAssembly = Object.create(
    Object.prototype,
    Object.getOwnPropertyDescriptors(native),
  ) as api.WebAssemblyNamespace
  const members = { ...functions, Module, Instance, Memory: options.Memory }
  for (const [name, value] of Object.entries(members)) {
    Object.defineProperty(WebAssembly, name, {
      value,
      writable: true,
      enumerable: name in functions,
      configurable: true,
    })
  }
  return {
    WebAssembly,
    partsOf: (instance) => (isObject(instance) ? instances.get(instance) : undefined),
  }
}
