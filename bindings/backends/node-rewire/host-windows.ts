import { readFileSync } from 'node:fs'
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
import { type NodeNamespace, native } from '../node/namespace.ts'
import { type InstanceMemory, instanceMemory } from '../node/raw-memory.ts'
import { windowFunctions } from '../node/window-functions.ts'
import { maximumOf, mostPagesBesideWindows, windowTargetOf } from './memory.ts'
import { memoryOf } from './raw-memory.ts'

const GiB = 2 ** 30

/**
 * Whether V8 reserves addresses behind memories, in which accesses out of bounds fault. Without
 * its trap handler it does not, and checks bounds in code.
 */
let reserves: boolean | undefined

function addressSpace(): number {
  return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]) * 4096
}

function checkReserved(): void {
  if (reserves === undefined) {
    const before = addressSpace()
    const memory = new native.Memory({ initial: 1 })
    reserves = addressSpace() - before >= 8 * GiB && memory.buffer.byteLength > 0
  }
  if (reserves) return
  throw new Error(
    "the backend 'node-rewire' shows host windows in addresses that V8 reserves behind a memory, and here it reserves none: start Node without --no-wasm-trap-handler and --wasm-enforce-bounds-checks, or use the backend 'patched'",
  )
}

/** The native side of a host window; throws if the memory has none. */
export function targetOfWindow(memory: InstanceMemory, window: number): WindowTarget {
  checkReserved()
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
  if (layout.imported !== undefined) {
    const maximum = maximumOf(object)
    if (maximum === undefined || maximum > mostPagesBesideWindows) {
      throw new RangeError(
        `instance: the memory that it imports could grow into the host windows: make it with new WebAssembly.Memory of this backend, and a maximum of at most ${mostPagesBesideWindows} pages; ${maximum === undefined ? 'none is known' : `got ${maximum}`}`,
      )
    }
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
