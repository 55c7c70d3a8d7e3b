// What Node 20 has, but the type declarations for its language version do not.

export interface GrowableSharedArrayBuffer extends SharedArrayBuffer {
  grow(byteLength: number): void
}

type WithOptions<TBuffer> = new (byteLength: number, options: { maxByteLength: number }) => TBuffer

export function resizableArrayBuffer(byteLength: number, maxByteLength: number): ArrayBuffer {
  return new (ArrayBuffer as WithOptions<ArrayBuffer>)(byteLength, { maxByteLength })
}

export function growableSharedArrayBuffer(
  byteLength: number,
  maxByteLength: number,
): GrowableSharedArrayBuffer {
  const Constructor = SharedArrayBuffer as unknown as WithOptions<GrowableSharedArrayBuffer>
  return new Constructor(byteLength, { maxByteLength })
}
