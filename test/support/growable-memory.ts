/** A memory of Node's own engine: growing it detaches its `buffer`, which no Node prevents. */
export function growableMemory(pages = 1): {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
} {
  const { WebAssembly } = globalThis as unknown as {
    WebAssembly: {
      Memory: new (descriptor: { initial: number }) => ReturnType<typeof growableMemory>
    }
  }
  return new WebAssembly.Memory({ initial: pages })
}
