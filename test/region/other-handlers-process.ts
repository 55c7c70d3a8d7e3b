// Faults beside an addon that handles the same signals: node … <addon> <earlier|later|replaced>
import { truncateSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { HostRegion } from 'v8-rawmem'
import { systemPage } from '../support/page-size.ts'
import { wat } from '../support/wat.ts'

const [path, what] = process.argv.slice(2) as [string, string]
const other: { install(): void; touch(): void } = createRequire(import.meta.url)(path)

if (what === 'earlier') other.install()
const rawmem = await import('v8-rawmem')
const { instance } = await rawmem.WebAssembly.instantiate(
  wat(
    '(module (memory 0) (func (export "load") (param i32) (result i32) (i32.load8_u (local.get 0))))',
  ),
)

/** Of three pages, of which the last two are lost. */
function cutShort(): HostRegion {
  const file = join(dirname(path), `${Math.random()}`)
  writeFileSync(file, Buffer.alloc(3 * systemPage, 1))
  const region = rawmem.HostRegion.mapFile(file)
  truncateSync(file, systemPage)
  return region
}

function trap(region: HostRegion): string {
  rawmem.setWasmInstanceRawMemory(instance, region)
  try {
    return `no trap: ${instance.exports.load(2 * systemPage)}`
  } catch (error) {
    return (error as Error).name
  }
}

const lost = (region: HostRegion) => region.view(Uint8Array)[systemPage]

const region = cutShort()
if (what !== 'earlier') other.install()
// Makes the handlers of the package the last ones again.
const newer = what === 'replaced' ? cutShort() : undefined
other.touch()
const results = [trap(region), lost(region)]
if (newer !== undefined) results.push(trap(newer), lost(newer))
other.touch()
console.log(JSON.stringify(results))
