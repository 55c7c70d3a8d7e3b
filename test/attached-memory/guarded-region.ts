import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, truncateSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { HostRegion } from 'v8-rawmem'

const pageSize = 4096
const canary = 0xc5

/**
 * A region with canaries before and behind it, and behind those a page that ends the process with SIGBUS when it is
 * touched: the file that is mapped is shorter than the mapping.
 */
export class GuardedRegion {
  readonly region: HostRegion<ArrayBuffer>
  /** The bytes of the region. */
  readonly bytes: Uint8Array
  readonly #whole: HostRegion<ArrayBuffer>
  readonly #before: Uint8Array
  readonly #behind: Uint8Array

  /**
   * @param byteLength Length of the region.
   * @param gap Bytes of canaries behind it. With 0, the guard page follows at once, and the region begins wherever that
   *   puts it.
   * @param tooMany Bytes of the gap that the region wrongly includes, for tests of tests.
   */
  constructor(byteLength: number, gap = 0, tooMany = 0) {
    const begin = pageSize + ((pageSize - ((byteLength + gap) % pageSize)) % pageSize)
    const end = begin + byteLength + gap
    const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-guarded-'))
    try {
      const path = join(folder, 'bytes')
      const file = openSync(path, 'w+')
      ftruncateSync(file, end + 4 * pageSize)
      closeSync(file)
      this.#whole = HostRegion.mapFile(path, { writable: true })
      truncateSync(path, end)
    } finally {
      rmSync(folder, { recursive: true })
    }
    this.region = this.#whole.subarray(begin, begin + byteLength + tooMany)
    this.#before = this.#whole.view(Uint8Array, 0, begin).fill(canary)
    this.bytes = this.#whole.view(Uint8Array, begin, byteLength)
    this.#behind = this.#whole.view(Uint8Array, begin + byteLength, gap).fill(canary)
  }

  /** Whether nothing around the region was written. */
  get intact(): boolean {
    const isCanary = (byte: number) => byte === canary
    return this.#before.every(isCanary) && this.#behind.every(isCanary)
  }

  close(): void {
    this.#whole.close()
  }
}
