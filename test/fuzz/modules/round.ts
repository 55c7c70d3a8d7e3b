// Cases of the generator in a process of their own:
// node round.ts <backend> <tier> <first seed> <milliseconds> <most cases> [planted]
import { writeSync } from 'node:fs'
import { type BackendName, openBackend } from 'v8-rawmem'
import { difference } from './compare.ts'
import { generate } from './generate.ts'
import { optionsOf } from './subject.ts'
import { terrainOf } from './terrain.ts'

const [name, tier, firstSeed, milliseconds, most, planted] = process.argv.slice(2)
const backend = openBackend(name as BackendName)
const terrain = terrainOf({ backend: backend.name, tier: tier! })
const options = optionsOf(tier!, planted !== undefined)
const end = Date.now() + Number(milliseconds)
let cases = 0
let seen = 0
while (cases < Number(most) && Date.now() < end) {
  const seed = Number(firstSeed) + cases++
  // At once: the process may crash.
  writeSync(1, `${seed}\n`)
  const found = difference(generate(seed, terrain), backend, options)
  if (found === undefined) continue
  ++seen
  if (options.plantedFault) continue
  console.error(found)
  process.exit(1)
}
console.log(JSON.stringify({ cases, seen }))
