import type { Data, Dictionary } from 'apache-arrow'
import { HostRegion, setWasmInstanceRawMemory, type WebAssembly } from 'v8-rawmem'
import { type KernelExports, memories } from './kernel.ts'

/** The two columns of a record batch. */
export interface Columns {
  readonly values: Data
  readonly indices: Data<Dictionary>
}

/**
 * Points the module's memories at the buffers of two columns, where they lie, and adds their rows to its totals.
 *
 * @returns the buffers.
 */
export function addBatch(
  instance: WebAssembly.Instance,
  { values, indices }: Columns,
): readonly ArrayBufferView[] {
  const attached: ArrayBufferView[] = []
  const attach = (memory: number, buffer: ArrayBufferView) => {
    setWasmInstanceRawMemory(instance, HostRegion.from(buffer), memory)
    attached.push(buffer)
  }
  // A column without nulls has no bitmap. In that of a slice its rows begin at an offset.
  const attachBits = (memory: number, data: Data): number => {
    if (data.nullCount === 0) return -1
    attach(memory, data.nullBitmap!)
    return data.offset
  }
  attach(memories.values, values.values as ArrayBufferView)
  attach(memories.indices, indices.values)
  const valueBit = attachBits(memories.valueBits, values)
  const indexBit = attachBits(memories.indexBits, indices)
  const { add } = instance.exports as unknown as KernelExports
  add(values.length, valueBit, indexBit)
  return attached
}

/** Back to the module's own memories, so that the buffers may go. */
export function detachAll(instance: WebAssembly.Instance): void {
  for (const memory of Object.values(memories)) setWasmInstanceRawMemory(instance, null, memory)
}
