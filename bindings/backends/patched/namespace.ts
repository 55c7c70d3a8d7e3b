import type * as api from '../../../types/web-assembly.d.ts'
import { CompileError, LinkError, RuntimeError } from '../../error-classes.ts'
import {
  compile,
  compileStreaming,
  instantiate,
  instantiateStreaming,
  validate,
} from './compile.ts'
import { engine } from './engine.ts'
import { Exception, Tag } from './exception.ts'
import { Global } from './global.ts'
import { Instance } from './instance.ts'
import { Memory } from './memory.ts'
import { Module } from './module.ts'
import { Table } from './table.ts'

let jsTag: api.Tag | undefined

const functions = { compile, compileStreaming, instantiate, instantiateStreaming, validate }
const classes = {
  Module,
  Instance,
  Memory,
  Table,
  Global,
  Tag,
  Exception,
  CompileError,
  LinkError,
  RuntimeError,
}

function namespace(): api.WebAssemblyNamespace {
  const result = {}
  for (const [name, value] of Object.entries(functions)) {
    Object.defineProperty(result, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    })
  }
  for (const [name, value] of Object.entries(classes)) {
    Object.defineProperty(result, name, { value, writable: true, configurable: true })
  }
  // Made on demand: the only member that needs a running engine.
  Object.defineProperty(result, 'JSTag', {
    get: () => {
      jsTag ??= engine.jsTag() as api.Tag
      return jsTag
    },
    configurable: true,
  })
  Object.defineProperty(result, Symbol.toStringTag, { value: 'WebAssembly', configurable: true })
  return result as api.WebAssemblyNamespace
}

/** See types/web-assembly.d.ts. */
export const WebAssembly: api.WebAssemblyNamespace = namespace()
