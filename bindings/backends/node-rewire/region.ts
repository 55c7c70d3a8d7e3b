import type * as region from '../../../types/host-region.d.ts'
import { HostRegion } from '../../region.ts'

/** Makes regions that can be mapped twice, unless it is told otherwise. */
export const ShareableHostRegion: region.HostRegionConstructor = new Proxy(HostRegion, {
  get(target, key, receiver) {
    if (key === 'allocate') return allocate
    return key === 'mapFile' ? mapFile : Reflect.get(target, key, receiver)
  },
})

function shareable<T extends { shareable?: boolean }>(options: T | undefined): T {
  // What is no object is for the class to complain about.
  if (typeof (options ?? {}) !== 'object') return options as T
  return { ...(options as T), shareable: options?.shareable ?? true }
}

function allocate(byteLength: number, options?: region.AllocateOptions) {
  return HostRegion.allocate(byteLength, shareable(options))
}

function mapFile(path: string | Buffer | URL, options?: region.MapFileOptions) {
  return HostRegion.mapFile(path, shareable(options))
}
