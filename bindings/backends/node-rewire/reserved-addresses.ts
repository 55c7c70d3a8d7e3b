import { readFileSync } from 'node:fs'
import type * as api from '../../../types/web-assembly.d.ts'
import type { WindowTarget } from '../../addon/binding.ts'
import { binding } from '../../addon/load.ts'
import { hostWindowsBegin } from '../../feeder/window-addresses.ts'
import { nodeCrypto } from '../../node-crypto.ts'
import { HostRegion, regionParts } from '../../region.ts'
import { native } from '../node/namespace.ts'
import { windowTargetOf } from './memory.ts'

const GiB = 2 ** 30

/** `(import "" "" (memory 0)) (func (export "load") (param i32) (result i32) (i32.load8_u …))` */
const loadModule = [
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x06, 0x01, 0x60, 0x01, 0x7f, 0x01, 0x7f],
  ...[0x02, 0x06, 0x01, 0x00, 0x00, 0x02, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x08, 0x01, 0x04, 0x6c, 0x6f, 0x61, 0x64, 0x00, 0x00],
  ...[0x0a, 0x09, 0x01, 0x07, 0x00, 0x20, 0x00, 0x2d, 0x00, 0x00, 0x0b],
]

/** A custom section, because V8 would take code that it has compiled before for the same bytes. */
function uniqueSection(): number[] {
  const name = [...Buffer.from(nodeCrypto().randomUUID())]
  return [0, name.length + 1, name.length, ...name]
}

/** In bytes, whatever the size of a page. */
function addressSpace(): number {
  return (
    Number(/^VmSize:\s*(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1]) * 1024
  )
}

/** A memory on which code is tried, and its window 0. */
let tried: { memory: api.Memory; target: WindowTarget } | undefined

/** Whether V8 reserves addresses behind memories, which depends on how Node was started. */
let reserves: boolean | undefined

/** V8's threads give back addresses of collected memories meanwhile, which hides what one memory takes. */
const mostTries = 8

function tryMemory(): typeof tried {
  for (let tries = 1; reserves === undefined; ++tries) {
    const before = addressSpace()
    const memory = new native.Memory({ initial: 1, maximum: 1 })
    if (addressSpace() - before >= 8 * GiB) {
      reserves = true
      tried = { memory, target: windowTargetOf(memory, 0) }
    } else if (tries === mostTries) {
      reserves = false
    }
  }
  return tried
}

/** Whether code that V8 compiles now leaves it to the processor to notice what is out of bounds. */
function reaches({ memory, target }: NonNullable<typeof tried>): boolean {
  using region = HostRegion.allocate(1, { shareable: true })
  const { handle, byteOffset, byteLength } = regionParts(region)
  binding.nodeBackends.show(target, handle, byteOffset, byteLength)
  try {
    const module = new native.Module(Uint8Array.from([...loadModule, ...uniqueSection()]))
    const { load } = new native.Instance(module, { '': { '': memory } }).exports
    load(hostWindowsBegin)
    return true
  } catch (error) {
    if (error instanceof native.RuntimeError) return false
    throw error
  } finally {
    binding.nodeBackends.restore(target)
  }
}

/** Throws if modules that are compiled now cannot reach host windows. */
export function checkReach(): void {
  const memory = tryMemory()
  if (memory === undefined) {
    throw new Error(
      "the backend 'node-rewire' shows host windows in addresses that V8 reserves behind a memory, and here it reserves none: start Node without --disable-wasm-trap-handler, or use the backend 'patched'",
    )
  }
  if (!reaches(memory)) {
    throw new Error(
      "the backend 'node-rewire' cannot show host windows to a module that is compiled now, because V8 checks bounds in code: start Node without --wasm-enforce-bounds-checks, compile the module before the backend 'node-raw' is opened, or use the backend 'patched'",
    )
  }
}
