import type * as api from '../../../types/web-assembly.d.ts'
import { nodeCrypto } from '../../node-crypto.ts'
import { bytesOf } from '../module-bytes.ts'
import { limitedBytes } from '../module-limits.ts'
import { adoption, engine } from './engine.ts'
import { checkModule, compileArguments, Module } from './module.ts'

// A cache is the digest, then the engine's code. The engine checks version, flags and processor,
// but not that the code is complete and belongs to these bytes.
const digestLength = 32

function digest(code: Uint8Array, bytes: Uint8Array): Buffer {
  return nodeCrypto()
    .createHash('sha256')
    .update(`v8-rawmem code ${engine.version()} ${bytes.byteLength}\n`)
    .update(bytes)
    .update(code)
    .digest()
}

/** See types/index.d.ts. */
export function serializeModule(module: api.Module): Uint8Array<ArrayBuffer> {
  checkModule(module, 'serializeModule()')
  const [code, bytes] = engine.serializeModule(module).map((part) => new Uint8Array(part)) as [
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>,
  ]
  const cache = new Uint8Array(digestLength + code.byteLength)
  cache.set(digest(code, bytes))
  cache.set(code, digestLength)
  return cache
}

/** See types/index.d.ts. */
export function deserializeModule(
  cache: api.BytesSource,
  bytes: api.BytesSource,
  options?: api.CompileOptions,
): api.Module {
  // Copies, because neither may change between check and use.
  const cacheBytes = bytesOf(cache, 'deserializeModule()').slice()
  const given = bytesOf(bytes, 'deserializeModule()', 1).slice()
  const wireBytes = limitedBytes(given, options, 'deserializeModule()', () =>
    engine.validate(given, compileArguments(options)),
  )
  const code = cacheBytes.subarray(digestLength)
  if (!digest(code, wireBytes).equals(cacheBytes.subarray(0, digestLength))) {
    throw new TypeError(
      `cache must be what serializeModule gave for a module of these bytes under V8 ${engine.version()}: it is damaged, or belongs to other bytes or another version; compile the module instead`,
    )
  }
  // No function had optimised code.
  if (code.byteLength === 0) return new Module(wireBytes, options)
  const module = new Module(adoption)
  if (!engine.deserializeModule(module, code, wireBytes, compileArguments(options))) {
    throw new TypeError(
      'cache must come from a module that was compiled with the same options, from this kind of processor, and from an engine with the same flags (V8_RAWMEM_FLAGS); give those options, or compile the module instead',
    )
  }
  return module
}
