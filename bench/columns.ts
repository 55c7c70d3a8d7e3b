import { open } from 'node:fs/promises'
import type { HostRegion } from 'v8-rawmem'
import type { ValueType } from './native/native.ts'

const tileBytes = 16 * 2 ** 20

/** Fills `region` with values of this type, the same ones each time. */
export function fillColumn(region: HostRegion, type: ValueType): void {
  const tile = new Uint8Array(Math.min(tileBytes, region.byteLength))
  if (type === 'f32') {
    // Between -1 and 1, so that sums stay small, and rounding is what the order of additions makes it.
    const values = new Float32Array(tile.buffer)
    let state = 1
    for (let i = 0; i < values.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      values[i] = state / 2 ** 31
    }
  } else if (type === 'f64') {
    // Integers of 20 bits: their sums are exact, in whatever order they are added up.
    const values = new Float64Array(tile.buffer)
    let state = 1
    for (let i = 0; i < values.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      values[i] = state >> 12
    }
  } else {
    const values = new Int32Array(tile.buffer)
    let state = 1
    for (let i = 0; i < values.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      values[i] = state
    }
  }
  for (let begin = 0; begin < region.byteLength; begin += tile.length) {
    const length = Math.min(tile.length, region.byteLength - begin)
    region.view(Uint8Array, begin, length).set(tile.subarray(0, length))
  }
}

/** Writes all bytes of `region` to a file. */
export async function writeColumn(path: string, region: HostRegion): Promise<void> {
  const file = await open(path, 'w')
  try {
    const step = 2 ** 26
    for (let begin = 0; begin < region.byteLength; begin += step) {
      await file.write(region.view(Uint8Array, begin, Math.min(step, region.byteLength - begin)))
    }
  } finally {
    await file.close()
  }
}
