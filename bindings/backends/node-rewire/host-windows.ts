import type { Backend } from '../../../types/backend.d.ts'
import type { ChunkFeederConstructor } from '../../../types/chunk-feeder.d.ts'
import type { Instance } from '../../../types/web-assembly.d.ts'
import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import { checkInteger } from '../../arguments.ts'
import { hostWindowsClass } from '../../feeder/host-windows-class.ts'
import { hostWindows } from '../../feeder/window-addresses.ts'
import { regionParts } from '../../region.ts'
import type { NodeFeeders } from '../node/chunk-feeder.ts'
import type { NodeNamespace } from '../node/namespace.ts'
import { type InstanceMemory, instanceMemory } from '../node/raw-memory.ts'
import { windowFunctions } from '../node/window-functions.ts'
import { canGrowIntoWindows, mostPagesBesideWindows, windowTargetOf } from './memory.ts'
import { memoryOf } from './raw-memory.ts'

/** The native side of a host window; throws if the memory has none. */
export function targetOfWindow(memory: InstanceMemory, window: number): WindowTarget {
  const { parts, memoryIndex, layout } = memory
  if (memoryIndex !== 0) {
    throw new RangeError(
      `memoryIndex must be 0: host windows are beside memory 0; got ${memoryIndex}`,
    )
  }
  if (layout.address === 'i64') {
    throw new TypeError('instance: a memory with 64-bit addresses has no host windows')
  }
  if (!parts.hostWindows) {
    throw new TypeError(
      'instance: its module was compiled without host windows: import a function from rawmem, or compile with { hostWindows: true }',
    )
  }
  const object = memoryOf(memory)
  // What the module defines itself was limited when it was compiled.
  if (canGrowIntoWindows(object)) {
    throw new RangeError(
      `instance: its memory could grow into the host windows: make the memory that it imports with a maximum of at most ${mostPagesBesideWindows} pages`,
    )
  }
  return windowTargetOf(object, window)
}

/** What of the backend is about host windows. */
export function windowsOf(
  backend: 'node-rewire',
  feeders: NodeFeeders,
  namespace: NodeNamespace,
  ChunkFeeder: ChunkFeederConstructor,
): Pick<Backend, 'HostWindows' | 'setWasmInstanceWindow'> {
  const { nodeBackends } = binding
  return {
    HostWindows: hostWindowsClass({
      native: windowFunctions(nodeBackends.chunkFeeder),
      ChunkFeeder,
      maker: `the WebAssembly of the backend '${backend}'`,
      isInstance: (value): value is Instance => namespace.partsOf(value) !== undefined,
      register: (windowFunction, windows) => feeders.register(windowFunction, windows),
    }),
    setWasmInstanceWindow(instance, region, window, memoryIndex = 0) {
      checkInteger('window', window, 0, hostWindows - 1)
      const target = targetOfWindow(
        instanceMemory(backend, namespace, instance, memoryIndex),
        window,
      )
      if (region === null) {
        nodeBackends.restore(target)
        return
      }
      if (region === undefined) {
        throw new TypeError('region must be a HostRegion, or null to detach; got undefined')
      }
      const { handle, byteOffset, byteLength } = regionParts(region)
      nodeBackends.show(target, handle, byteOffset, byteLength)
    },
  }
}
