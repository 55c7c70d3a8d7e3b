import type { HostRegion } from 'v8-rawmem'

/** Fills a region with copies of `tile`; yields the bytes written so far after each copy. */
export function* fillWithCopies(region: HostRegion, tile: Uint8Array): Generator<number> {
  for (let begin = 0; begin < region.byteLength; begin += tile.length) {
    const part = region.subarray(begin, begin + tile.length)
    part.view(Uint8Array).set(tile.subarray(0, part.byteLength))
    part.close()
    yield begin + tile.length
  }
}
