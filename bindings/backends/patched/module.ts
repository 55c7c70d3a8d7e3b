import type * as api from '../../../types/web-assembly.d.ts'
import type { Arguments } from '../../addon/binding.ts'
import { Kind } from '../../addon/numbers.ts'
import { checkBoolean, show } from '../../arguments.ts'
import { bytesOf } from '../module-bytes.ts'
import { limitedBytes } from '../module-limits.ts'
import { adoption, engine, record, registerClass } from './engine.ts'

const tierings: readonly unknown[] = ['optimize', 'dynamic', 'baseline'] satisfies api.Tiering[]

function checkTiering(value: unknown, from: string): void {
  if (value !== undefined && !tierings.includes(value)) {
    throw new TypeError(
      `${from} must be 'optimize', 'dynamic' or 'baseline'; got ${
        typeof value === 'string' ? `'${value}'` : String(value)
      }`,
    )
  }
}

/** Compile options for the engine. */
export function compileArguments(options: unknown): Arguments {
  const fallback = process.env.V8_RAWMEM_TIERING || undefined
  checkTiering(fallback, 'The environment variable V8_RAWMEM_TIERING')
  if (typeof options !== 'object' || options === null) {
    return fallback === undefined ? [] : record({ tiering: fallback }, ['tiering'])
  }
  const { builtins, importedStringConstants, tiering, hostWindows, boundsChecks } =
    options as api.CompileOptions
  checkTiering(tiering, 'options.tiering')
  if (hostWindows !== undefined) checkBoolean('options.hostWindows', hostWindows)
  if (boundsChecks !== undefined && boundsChecks !== 'exact' && boundsChecks !== 'region') {
    throw new TypeError(
      `options.boundsChecks must be 'exact' or 'region'; got ${show(boundsChecks)}`,
    )
  }
  return record(
    { builtins, importedStringConstants, tiering: tiering ?? fallback, hostWindows, boundsChecks },
    ['builtins', 'importedStringConstants', 'tiering', 'hostWindows', 'boundsChecks'],
    ['builtins'],
  )
}

/** The bytes that the engine compiles, for the function `where`. */
export function compileBytesOf(source: unknown, options: unknown, where: string): Uint8Array {
  const bytes = bytesOf(source, where)
  return limitedBytes(bytes, options, where, () =>
    engine.validate(bytes, compileArguments(options)),
  )
}

export class Module implements api.Module {
  declare readonly [Symbol.toStringTag]: string
  readonly #brand = true

  static isModule(value: unknown): value is Module {
    return typeof value === 'object' && value !== null && #brand in value && value.#brand
  }

  static imports(module: api.Module): api.ModuleImportDescriptor[] {
    return describe<api.ModuleImportDescriptor>(module, 'imports')
  }

  static exports(module: api.Module): api.ModuleExportDescriptor[] {
    return describe<api.ModuleExportDescriptor>(module, 'exports')
  }

  static customSections(module: api.Module, sectionName: string): ArrayBuffer[] {
    checkModule(module, 'WebAssembly.Module.customSections()')
    if (sectionName === undefined) {
      throw new TypeError('WebAssembly.Module.customSections(): Argument 1 is required')
    }
    return engine.customSections(module, String(sectionName))
  }

  constructor(bytes: api.BytesSource | typeof adoption, options?: api.CompileOptions) {
    if (bytes === adoption) return
    const compiled = compileBytesOf(bytes, options, 'WebAssembly.Module()')
    engine.compile(this, compiled, compileArguments(options))
  }
}

/** Not a member of the public class. */
export const isModule: (value: unknown) => value is Module = Module.isModule
Reflect.deleteProperty(Module, 'isModule')

registerClass(Kind.Module, Module)

export function checkModule(value: unknown, where: string): asserts value is Module {
  if (!isModule(value)) {
    throw new TypeError(`${where}: Argument 0 must be a WebAssembly.Module`)
  }
}

function describe<T>(module: unknown, what: 'imports' | 'exports'): T[] {
  checkModule(module, `WebAssembly.Module.${what}()`)
  return JSON.parse(engine.describe(module, what)) as T[]
}
