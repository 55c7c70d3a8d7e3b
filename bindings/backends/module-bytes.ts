import { types } from 'node:util'
import type * as api from '../../types/web-assembly.d.ts'

/**
 * The bytes of a module. Those of shared memory are copied first: they may change while they are
 * read.
 */
export function bytesOf(source: unknown, where: string, argument = 0): Uint8Array {
  if (ArrayBuffer.isView(source)) {
    const { buffer, byteOffset, byteLength } = source
    // Also a detached buffer, over which no view can be made.
    if (byteLength === 0) return new Uint8Array()
    const view = new Uint8Array(buffer, byteOffset, byteLength)
    return types.isSharedArrayBuffer(buffer) ? view.slice() : view
  }
  if (types.isArrayBuffer(source)) {
    return source.byteLength === 0 ? new Uint8Array() : new Uint8Array(source)
  }
  if (types.isSharedArrayBuffer(source)) return new Uint8Array(source).slice()
  throw new TypeError(`${where}: Argument ${argument} must be a buffer source`)
}

/** The bytes of a response, for the function `where`. */
export async function responseBytes(
  source: api.ResponseLike | PromiseLike<api.ResponseLike>,
  where: string,
): Promise<ArrayBuffer> {
  const response: Partial<api.ResponseLike> | null | undefined = await source
  if (typeof response?.arrayBuffer !== 'function' || typeof response.headers?.get !== 'function') {
    throw new TypeError(`${where}: Argument 0 must be a Response or a promise of one`)
  }
  if (!response.ok) {
    throw new TypeError(`${where}: HTTP status code is not ok; got ${response.status}`)
  }
  const type = response.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  if (type !== 'application/wasm') {
    throw new TypeError(
      `${where}: Response must have the MIME type 'application/wasm'; got '${type ?? ''}'`,
    )
  }
  return await response.arrayBuffer()
}
