import type { RawMemoryOptions } from '../../../types/backend.d.ts'
import type * as region from '../../../types/host-region.d.ts'
import type * as api from '../../../types/web-assembly.d.ts'
import { checkInteger, checkMemoryIndex, show } from '../../arguments.ts'
import { hostWindows } from '../../feeder/window-addresses.ts'
import { regionParts } from '../../region.ts'
import { readRawMemoryOptions } from '../raw-memory-options.ts'
import { engine } from './engine.ts'
import { isInstance, maker } from './instance.ts'
import { checkOwnDataOf } from './own-data.ts'

/** See types/index.d.ts. */
export function setWasmInstanceRawMemory(
  instance: api.Instance,
  region: region.HostRegion | null,
  memoryIndex: number = 0,
  options?: RawMemoryOptions,
): void {
  const overOwnData = readRawMemoryOptions(options)
  point(instance, region, memoryIndex, undefined, overOwnData)
}

/** See types/index.d.ts. */
export function setWasmInstanceWindow(
  instance: api.Instance,
  region: region.HostRegion | null,
  window: number,
  memoryIndex: number = 0,
): void {
  checkInteger('window', window, 0, hostWindows - 1)
  point(instance, region, memoryIndex, window)
}

function point(
  instance: api.Instance,
  region: region.HostRegion | null,
  memoryIndex: number,
  window: number | undefined,
  overOwnData = true,
): void {
  if (!isInstance(instance)) {
    throw new TypeError(`instance must be an instance made by ${maker}; got ${show(instance)}`)
  }
  checkMemoryIndex(memoryIndex)
  if (region === null) {
    engine.detachRawMemory(instance, memoryIndex, window)
    return
  }
  if (region === undefined) {
    throw new TypeError('region must be a HostRegion, or null to detach; got undefined')
  }
  const { handle, byteOffset, byteLength } = regionParts(region)
  if (!overOwnData) checkOwnDataOf(instance, memoryIndex)
  engine.attachRawMemory(instance, memoryIndex, window, handle, byteOffset, byteLength)
}
