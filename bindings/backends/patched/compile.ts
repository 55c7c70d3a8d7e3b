import type * as api from '../../../types/web-assembly.d.ts'
import { bytesOf, responseBytes } from '../module-bytes.ts'
import { engine } from './engine.ts'
import { Instance } from './instance.ts'
import { compileArguments, compileBytesOf, isModule, type Module } from './module.ts'

function compileBytes(source: unknown, options: unknown, where: string): Promise<Module> {
  return new Promise((resolve, reject) => {
    const bytes = compileBytesOf(source, options, where)
    engine.compileAsync(bytes, compileArguments(options), (error, module) => {
      if (module === undefined) reject(error)
      else resolve(module as Module)
    })
  })
}

function checkImports(imports: unknown, where: string): void {
  if (imports !== undefined && (typeof imports !== 'object' || imports === null)) {
    if (typeof imports !== 'function') {
      throw new TypeError(`${where}: Argument 1 must be an object`)
    }
  }
}

export function validate(bytes: api.BytesSource, options?: api.CompileOptions): boolean {
  return engine.validate(bytesOf(bytes, 'WebAssembly.validate()'), compileArguments(options))
}

export async function compile(
  bytes: api.BytesSource,
  options?: api.CompileOptions,
): Promise<Module> {
  return await compileBytes(bytes, options, 'WebAssembly.compile()')
}

export async function instantiate(
  source: api.BytesSource | api.Module,
  imports?: api.Imports,
  options?: api.CompileOptions,
  // biome-ignore lint/suspicious/noExplicitAny: an overload of the interface, one result for each kind of source
): Promise<any> {
  const where = 'WebAssembly.instantiate()'
  checkImports(imports, where)
  if (isModule(source)) return new Instance(source, imports)
  const module = await compileBytes(source, options, where)
  return { module, instance: new Instance(module, imports) }
}

export async function compileStreaming(
  source: api.ResponseLike | PromiseLike<api.ResponseLike>,
  options?: api.CompileOptions,
): Promise<Module> {
  const where = 'WebAssembly.compileStreaming()'
  return await compileBytes(await responseBytes(source, where), options, where)
}

export async function instantiateStreaming(
  source: api.ResponseLike | PromiseLike<api.ResponseLike>,
  imports?: api.Imports,
  options?: api.CompileOptions,
): Promise<api.InstantiatedSource> {
  const where = 'WebAssembly.instantiateStreaming()'
  checkImports(imports, where)
  const module = await compileBytes(await responseBytes(source, where), options, where)
  return { module, instance: new Instance(module, imports) }
}
