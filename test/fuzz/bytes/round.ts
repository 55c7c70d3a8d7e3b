// Damaged bytes in a process of their own: node round.ts <seed> <milliseconds> <most of each> <file of the last bytes>
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../support/random.ts'
import { targets } from './targets.ts'

const [seed, milliseconds, most, last] = process.argv.slice(2)
const random = new Random(Number(seed))
const end = Date.now() + Number(milliseconds)
const counts = Object.fromEntries(Object.keys(targets).map((name) => [name, [0, 0]]))
const folder = mkdtempSync(join(tmpdir(), 'v8-rawmem-bytes-'))
try {
  for (let round = 0; round < Number(most) && Date.now() < end; ++round) {
    for (const [name, { make, read }] of Object.entries(targets)) {
      const own = join(folder, name)
      await rm(own, { recursive: true, force: true })
      mkdirSync(own)
      const bytes = await make(random)
      // First: the process may crash.
      writeFileSync(last!, bytes)
      console.log(`target: ${name}`)
      const count = counts[name]!
      ++count[0]!
      if (await read(bytes, own)) ++count[1]!
    }
  }
} finally {
  await rm(folder, { recursive: true })
}
console.log(
  Object.entries(counts)
    .map(([name, [all, taken]]) => `${taken} of ${all} ${name} taken`)
    .join(', '),
)
