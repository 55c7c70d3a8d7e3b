import { readSync } from 'node:fs'
import type { HostRegion } from 'v8-rawmem'

/** An `ArrayBuffer` of Node 20 holds no more than 4 GiB. */
const viewBytes = 2 ** 30

/** Brings windows, one after the other, to the beginning of a memory. */
export interface Copier {
  /** Back to the beginning; the first `limit` bytes come next. */
  rewind(limit: number): void
  /** Copies the next window; its length, 0 at the end. */
  copyTo(memory: Uint8Array): number
}

/**
 * Copies the region's windows, one after the other, to the beginning of a memory. The views are made before: making one costs
 * as much as copying some kilobytes.
 */
export class WindowCopier implements Copier {
  readonly #views: Uint8Array[]
  readonly #windowSize: number
  #position = 0
  #limit = 0

  /** @param windowSize divides 1 GiB, or is at least as large as the region */
  constructor(region: HostRegion, windowSize: number) {
    this.#windowSize = windowSize
    this.#views = []
    for (let begin = 0; begin < region.byteLength; begin += viewBytes) {
      this.#views.push(
        region.view(Uint8Array, begin, Math.min(viewBytes, region.byteLength - begin)),
      )
    }
  }

  rewind(limit: number): void {
    this.#position = 0
    this.#limit = limit
  }

  copyTo(memory: Uint8Array): number {
    const length = Math.min(this.#windowSize, this.#limit - this.#position)
    if (length > 0) {
      const view = this.#views[Math.floor(this.#position / viewBytes)]!
      const begin = this.#position % viewBytes
      memory.set(view.subarray(begin, begin + length))
      this.#position += length
    }
    return length
  }
}

/** Reads an open file, window by window, into the beginning of a memory. */
export class WindowReader implements Copier {
  readonly #file: number
  readonly #windowSize: number
  #position = 0
  #limit = 0

  constructor(file: number, windowSize: number) {
    this.#file = file
    this.#windowSize = windowSize
  }

  rewind(limit: number): void {
    this.#position = 0
    this.#limit = limit
  }

  copyTo(memory: Uint8Array): number {
    const length = Math.min(this.#windowSize, this.#limit - this.#position)
    if (length > 0) this.#position += readSync(this.#file, memory, 0, length, this.#position)
    return length
  }
}
