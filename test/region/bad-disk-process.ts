// Programs on a file whose disk fails them: node … <folder> <full|broken>. The disk is mounted at <folder>/disk.
import { closeSync, openSync, readFileSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { HostRegion, setWasmInstanceRawMemory, WebAssembly } from 'v8-rawmem'
import { systemPage } from '../support/page-size.ts'
import { wat } from '../support/wat.ts'

const [folder, what] = process.argv.slice(2) as [string, 'full' | 'broken']
const file = join(folder, 'disk/file')
const fileSize = 4 * 2 ** 20

const { instance } = await WebAssembly.instantiate(
  wat(`(module (memory 0)
    (global $at (export "at") (mut i32) (i32.const 0))
    (func (export "fill")
      (global.set $at (i32.const 0))
      (loop $next
        (i32.store8 (global.get $at) (i32.const 7))
        (global.set $at (i32.add (global.get $at) (i32.const ${systemPage})))
        (br_if $next (i32.lt_u (global.get $at) (i32.const ${fileSize})))))
    (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))`),
)

function trap(run: () => unknown): string {
  try {
    return `no trap: ${run()}`
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message.replace(file, 'file')}`
  }
}

/** A sparse file, for which the disk has no room. */
function full() {
  closeSync(openSync(file, 'w'))
  truncateSync(file, fileSize)
  const region = HostRegion.mapFile(file, { writable: true })
  setWasmInstanceRawMemory(instance, region)
  const { fill, at, load } = instance.exports
  const trapped = trap(() => fill())
  const end = at.value as number
  const kept = readFileSync(file).subarray(0, end)
  return {
    trapped: trapped.replace(String(end), 'end'),
    hasStored: end > 0 && kept.every((byte, i) => byte === (i % systemPage === 0 ? 7 : 0)),
    again: load(end - systemPage),
    view: region.view(Uint8Array)[end],
    isDamaged: region.damaged?.byteOffset === end,
  }
}

/** A file of sevens, whose device loses what lies behind its first megabyte. */
function broken() {
  const region = HostRegion.mapFile(file)
  setWasmInstanceRawMemory(instance, region)
  const { load } = instance.exports
  const before = load(0)
  truncateSync(join(folder, 'image'), 2 ** 20)
  return {
    before,
    trapped: trap(() => load(fileSize - 1)),
    again: load(0),
    view: region.view(Uint8Array)[fileSize - 1],
    damaged: region.damaged?.byteOffset,
  }
}

console.log(JSON.stringify({ full, broken }[what]()))
