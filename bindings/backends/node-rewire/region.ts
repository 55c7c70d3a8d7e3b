import type * as region from '../../../types/host-region.d.ts'
import { HostRegion } from '../../region.ts'

/** Makes regions that can be mapped twice by default. */
export const ShareableHostRegion: region.HostRegionConstructor = new Proxy(HostRegion, {
  get(target, key, receiver) {
    if (key === 'allocate') return allocate
    return key === 'mapFile' ? mapFile : Reflect.get(target, key, receiver)
  },
})

function shareable<T extends { shareable?: boolean }>(options: T | undefined): T {
  // The class throws if this is no object.
  if (typeof (options ?? {}) !== 'object') return options as T
  return { ...(options as T), shareable: options?.shareable ?? true }
}

function allocate(byteLength: number, options?: region.AllocateOptions) {
  return HostRegion.allocate(byteLength, shareable(options))
}

function mapFile(path: string | Buffer | URL, options?: region.MapFileOptions) {
  return HostRegion.mapFile(path, shareable(options))
}
